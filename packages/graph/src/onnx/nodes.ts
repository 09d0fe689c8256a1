import { create } from '@bufbuild/protobuf'
import { CflowError } from '@cflow/base'
import {
  AttributeProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  type OperatorSetIdProto,
} from './generated/onnx_pb.js'

/** Version of each operator set by domain; the standard one under ''. */
export type Opsets = Readonly<Record<string, number>>

/** A node and the operator sets that it is written in: functions may have their own. */
export interface Placed {
  readonly node: NodeProto
  readonly opsets: Opsets
}

/** The standard domain has two names. */
export const standardName = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)

export const opsetsOf = (imports: readonly OperatorSetIdProto[]): Opsets =>
  Object.fromEntries(imports.map((o) => [standardName(o.domain), Number(o.version)]))

/** How deeply functions may call each other; they must not call themselves. */
const maxDepth = 64

/**
 * The nodes of a model in an order in which they can run, with the functions that the file defines in the place of
 * their calls. Values inside of a function are called CALL/VALUE.
 * @throws CflowError MODEL for functions that call themselves, and for nodes that need each other
 */
export function nodesOf(model: ModelProto): readonly Placed[] {
  const nodes = model.graph?.node ?? []
  const opsets = opsetsOf(model.opsetImport)
  return sorted(inlined(nodes, opsets, model.functions))
}

const keyOf = (domain: string, name: string, overload: string): string =>
  [standardName(domain), name, overload].join(':')

function inlined(
  nodes: readonly NodeProto[],
  opsets: Opsets,
  functions: readonly FunctionProto[],
): readonly Placed[] {
  if (functions.length === 0) return nodes.map((node) => ({ node, opsets }))
  const byKey = new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f] as const))
  const taken = new Set(nodes.flatMap((node) => [...node.input, ...node.output]))
  const unique = (wanted: string): string => {
    let name = wanted
    for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`
    taken.add(name)
    return name
  }
  const result: Placed[] = []
  const place = (node: NodeProto, opsets: Opsets, depth: number): void => {
    const called = byKey.get(keyOf(node.domain, node.opType, node.overload))
    if (!called) {
      result.push({ node, opsets })
      return
    }
    if (depth > maxDepth)
      throw new CflowError('MODEL', `the function ${called.name} of the file calls itself`, {
        subject: called.name,
      })
    const own = { ...opsets, ...opsetsOf(called.opsetImport) }
    for (const inner of bodyOf(called, node, unique)) place(inner, own, depth + 1)
  }
  for (const node of nodes) place(node, opsets, 0)
  return result
}

/** What a function does, as nodes on the values of one call of it. */
function bodyOf(
  { input, output, node: nodes, attributeProto }: FunctionProto,
  call: NodeProto,
  unique: (wanted: string) => string,
): readonly NodeProto[] {
  const given = new Map([...attributeProto, ...call.attribute].map((a) => [a.name, a]))
  const prefix = call.name || call.output[0] || call.opType
  const names = new Map(input.map((name, i) => [name, call.input[i] ?? '']))
  const straight: NodeProto[] = []
  output.forEach((name, i) => {
    const outside = call.output[i] ?? ''
    if (outside === '') return
    const from = names.get(name)
    if (from === undefined) names.set(name, outside)
    else
      straight.push(
        create(NodeProtoSchema, { opType: 'Identity', input: [from], output: [outside] }),
      )
  })
  const renamed = (name: string): string => {
    if (name === '') return ''
    const known = names.get(name)
    if (known !== undefined) return known
    const fresh = unique(`${prefix}/${name}`)
    names.set(name, fresh)
    return fresh
  }
  const inner = nodes.map((node) =>
    create(NodeProtoSchema, {
      ...node,
      name: `${prefix}/${node.name || node.opType}`,
      input: node.input.map(renamed),
      output: node.output.map(renamed),
      attribute: node.attribute.flatMap((a) => attributeIn(a, given)),
    }),
  )
  return [...inner, ...straight]
}

/** An attribute in a function: one that refers to the call's has its value, or is absent as it is there. */
function attributeIn(
  attribute: AttributeProto,
  given: ReadonlyMap<string, AttributeProto>,
): readonly AttributeProto[] {
  const { name, refAttrName } = attribute
  if (refAttrName === '') return [attribute]
  const found = given.get(refAttrName)
  return found ? [create(AttributeProtoSchema, { ...found, name })] : []
}

/** Nodes each after those that it depends on, else in the order they had. */
function sorted(placed: readonly Placed[]): readonly Placed[] {
  const makers = new Map(placed.flatMap((p) => p.node.output.map((name) => [name, p] as const)))
  makers.delete('')
  const result: Placed[] = []
  const state = new Map<Placed, 'begun' | 'done'>()
  const stack = [...placed].reverse()
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const seen = state.get(top)
    if (seen === undefined) {
      state.set(top, 'begun')
      const needed = top.node.input.flatMap((name) => makers.get(name) ?? [])
      for (const maker of needed.reverse()) {
        if (state.get(maker) === 'begun') throw cycle(top.node, maker.node)
        if (state.get(maker) === undefined) stack.push(maker)
      }
    } else {
      stack.pop()
      if (seen === 'begun') {
        state.set(top, 'done')
        result.push(top)
      }
    }
  }
  return result
}

const cycle = (a: NodeProto, b: NodeProto): CflowError =>
  new CflowError(
    'MODEL',
    `the graph is damaged: ${titleOf(a)} and ${titleOf(b)} need each other's results`,
  )

/** What a node is called in messages. */
export const titleOf = ({ opType, name, output }: NodeProto): string =>
  `${opType} ${name || output.find((o) => o !== '') || ''}`.trimEnd()
