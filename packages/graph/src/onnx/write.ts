import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { onnxType } from '../element-types.js'
import { withInputs } from '../operator.js'
import { identity } from '../operators/movement.js'
import { topologicalOrder } from '../order.js'
import { shapeError, unknownRank, type Node, type Value, type ValueType } from '../value.js'
import { toAttribute } from './attributes.js'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type GraphProto,
  type ValueInfoProtoSchema,
} from './generated/onnx_pb.js'
import { namesOf, type Named } from './names.js'
import { toTensorProto } from './tensors.js'

export interface OnnxOptions {
  /** Name of the graph, for people. */
  readonly name?: string
  /** Key–value metadata of the model. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Operator sets besides the standard one, by domain, where the operators do not say. */
  readonly domains?: Readonly<Record<string, number>>
  /** Names for the nodes that make inner values: `readOnnx` gives them as the nodes' labels. */
  readonly labels?: Readonly<Record<string, Value>>
  readonly producer?: { readonly name: string; readonly version: string }
}

/** The standard operator set this package's operators are written for. */
export const opsetVersion = 18
const irVersion = 8n

/**
 * The graph that computes `outputs` as an ONNX file. Inputs are found by walking back from the outputs.
 * The same graph always gives the same bytes.
 * @param outputs name of each output and the value it stands for
 * @throws CflowError SHAPE when two different inputs have the same name
 */
export function writeOnnx(
  outputs: Readonly<Record<string, Value>>,
  options: OnnxOptions = {},
): Uint8Array {
  const { graph, order } = graphProto(outputs, options.name, options.labels)
  return modelBytes(graph, order, options)
}

/** A graph, and its nodes in the order in which they run. */
export function graphProto(
  outputs: Readonly<Record<string, Value>>,
  name = 'graph',
  labels: Readonly<Record<string, Value>> = {},
): { readonly graph: GraphProto; readonly order: readonly Node[] } {
  const all = lowered([...Object.entries(outputs), ...Object.entries(labels)])
  const count = Object.keys(outputs).length
  const results = distinct(all.slice(0, count))
  const labelOf = new Map(all.slice(count).map(([label, v]) => [v.node, label]))
  const order = topologicalOrder(results.map(([, v]) => v))
  const names = namesOf(results, order)
  const initializer = order.flatMap((node) => {
    if (node.kind !== 'constant') return []
    const { name, isNew } = names.ofConstant(node)
    return isNew ? [toTensorProto(node.tensor, name)] : []
  })
  const taken = new Set<string>()
  /** Node names are unique in a file: of nodes with the same label the first has it. */
  const nameOf = (label: string) => (taken.size === taken.add(label).size ? '' : label)
  const graph = create(GraphProtoSchema, {
    name,
    node: order.flatMap((node) => {
      if (node.kind !== 'operator') return []
      const { operator, inputs, outputs, attributes, label = '' } = node
      return [
        {
          opType: operator.type,
          domain: operator.domain ?? '',
          name: nameOf(labelOf.get(node) ?? label),
          input: inputs.map((v) => (v ? names.of(v) : '')),
          output: outputs.map((v) => names.of(v)),
          attribute: Object.entries(attributes).map(([k, a]) => toAttribute(k, a)),
        },
      ]
    }),
    initializer,
    input: inputsOf(order).map(([name, v]) => valueInfo(name, v)),
    output: results.map(([name, v]) => valueInfo(name, v)),
  })
  return { graph, order }
}

/** A graph as the bytes of a model, with the operator sets that its nodes need; the standard one first. */
export function modelBytes(
  graph: GraphProto,
  order: readonly Node[],
  { producer, domains = {}, metadata = {} }: OnnxOptions,
): Uint8Array {
  const sets = new Map([['', opsetVersion], ...Object.entries(domains)])
  for (const node of order)
    if (node.kind === 'operator' && node.operator.version !== undefined) {
      const { domain = '', version } = node.operator
      sets.set(domain, Math.max(sets.get(domain) ?? 1, version))
    }
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: producer?.name ?? 'cflow',
    producerVersion: producer?.version ?? '',
    opsetImport: [...sets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph,
  })
  return toBinary(ModelProtoSchema, model)
}

/** The same values with operators replaced by what their `lower` gives, through the whole graph. */
function lowered(results: Named): Named {
  const done = new Map<Node, readonly Value[]>()
  const now = (v: Value) => done.get(v.node)?.[v.index] ?? v
  const lower = (value: Value): Value => {
    for (const node of topologicalOrder([value])) {
      if (node.kind !== 'operator' || done.has(node)) continue
      const inputs = node.inputs.map((v) => v && now(v))
      const changed = inputs.some((v, i) => v !== node.inputs[i])
      const outputs = changed ? withInputs(node, inputs) : node.outputs
      const current = outputs[0]?.node
      const replaced = current?.kind === 'operator' && node.operator.lower?.(current)
      // what an operator is made of may be made of operators in turn
      done.set(node, replaced ? replaced.map(lower) : outputs)
    }
    return now(value)
  }
  return results.map(([name, v]) => [name, lower(v)])
}

/** Outputs that are inputs, constants or named twice get a node of their own. */
function distinct(results: Named): Named {
  const taken = new Map<Node, Set<number>>()
  return results.map(([name, value]) => {
    const indices = taken.get(value.node) ?? new Set()
    const result =
      value.node.kind !== 'operator' || indices.has(value.index) ? identity(value) : value
    taken.set(value.node, indices.add(value.index))
    return [name, result]
  })
}

/** The graph's inputs as they are met, by name. */
function inputsOf(order: readonly Node[]): Named {
  const found = new Map<string, Value>()
  for (const v of order.flatMap((node) => (node.kind === 'operator' ? node.inputs : [])))
    if (v?.node.kind === 'input') {
      const { name } = v.node
      const other = found.get(name)?.node ?? v.node
      if (other !== v.node) throw shapeError(`two graph inputs are called ${name}`)
      found.set(name, v)
    }
  return [...found]
}

function valueInfo(
  name: string,
  { dtype, shape }: ValueType,
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((d) => {
    if (d === null) return {}
    return typeof d === 'number'
      ? { value: { case: 'dimValue', value: BigInt(d) } as const }
      : { value: { case: 'dimParam', value: d } as const }
  })
  const known = shape !== unknownRank && { shape: { dim } }
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: onnxType[dtype], ...known } } },
  }
}
