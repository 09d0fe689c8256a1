import { create, toBinary } from '@bufbuild/protobuf'
import { CflowError } from '@cflow/base'
import type { DType } from '@cflow/base'
import { onnxType } from '../element-types.js'
import { withInputs } from '../operator.js'
import { identity } from '../operators/movement.js'
import { topologicalOrder } from '../order.js'
import { unknownRank } from '../value.js'
import type { Node, OperatorNode, Shape, Value } from '../value.js'
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProtoSchema,
  TypeProto_TensorSchema,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.js'
import type { GraphProto, TensorProto, ValueInfoProto } from './generated/onnx_pb.js'
import { toAttribute } from './attributes.js'
import { Names } from './names.js'
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
  const lowering = new Lowering()
  const results = distinct(Object.entries(outputs).map(([name, v]) => [name, lowering.of(v)]))
  const order = topologicalOrder(results.map(([, v]) => v))
  const labelOf = new Map(Object.entries(labels).map(([label, v]) => [lowering.of(v).node, label]))
  const names = new Names(results, order)
  const initializers: TensorProto[] = []
  for (const node of order)
    if (node.kind === 'constant') {
      const { name, isNew } = names.ofConstant(node)
      if (isNew) initializers.push(toTensorProto(node.tensor, name))
    }
  const inputs = new Map<string, Value>()
  for (const v of inputsOf(order)) {
    const { name } = v.node as Extract<Node, { kind: 'input' }>
    if (inputs.has(name)) throw new CflowError('SHAPE', `two graph inputs are called ${name}`)
    inputs.set(name, v)
  }
  const nodes = order.flatMap((node) =>
    node.kind === 'operator'
      ? [
          create(NodeProtoSchema, {
            opType: node.operator.type,
            domain: node.operator.domain ?? '',
            name: labelOf.get(node) ?? node.label ?? '',
            input: node.inputs.map((v) => (v ? names.of(v) : '')),
            output: node.outputs.map((v) => names.of(v)),
            attribute: Object.entries(node.attributes).map(([k, a]) => toAttribute(k, a)),
          }),
        ]
      : [],
  )
  const graph = create(GraphProtoSchema, {
    name,
    node: nodes,
    initializer: initializers,
    input: [...inputs].map(([name, v]) => valueInfo(name, v.dtype, v.shape)),
    output: results.map(([name, v]) => valueInfo(name, v.dtype, v.shape)),
  })
  return { graph, order }
}

/** A graph as the bytes of a model. */
export function modelBytes(
  graph: GraphProto,
  order: readonly Node[],
  options: OnnxOptions,
): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: options.producer?.name ?? 'cflow',
    producerVersion: options.producer?.version ?? '',
    opsetImport: [...operatorSets(order, options.domains ?? {})].map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
    graph,
  })
  return toBinary(ModelProtoSchema, model)
}

/** The operator sets that the nodes need, by domain; the standard one first. */
function operatorSets(
  order: readonly Node[],
  domains: Readonly<Record<string, number>>,
): ReadonlyMap<string, number> {
  const sets = new Map([['', opsetVersion], ...Object.entries(domains)])
  for (const node of order)
    if (node.kind === 'operator' && node.operator.version !== undefined) {
      const { domain = '', version } = node.operator
      sets.set(domain, Math.max(sets.get(domain) ?? 1, version))
    }
  return sets
}

/** Replaces operators by the values their `lower` gives, through the whole graph. */
class Lowering {
  readonly #done = new Map<Node, readonly Value[] | undefined>()

  of(value: Value): Value {
    for (const node of topologicalOrder([value])) if (!this.#done.has(node)) this.#visit(node)
    return this.#map(value)
  }

  #map(value: Value): Value {
    return this.#done.get(value.node)?.[value.index] ?? value
  }

  #visit(node: Node): void {
    if (node.kind !== 'operator') {
      this.#done.set(node, undefined)
      return
    }
    const inputs = node.inputs.map((v) => v && this.#map(v))
    const changed = inputs.some((v, i) => v !== node.inputs[i])
    let outputs: readonly Value[] = node.outputs
    let current: OperatorNode = node
    if (changed) {
      outputs = withInputs(node, inputs)
      current = (outputs[0] as Value).node as OperatorNode
    }
    const replaced = node.operator.lower?.(current)
    // what an operator is made of may be made of operators in turn
    if (replaced) outputs = replaced.map((v) => this.of(v))
    this.#done.set(node, outputs === node.outputs ? undefined : outputs)
  }
}

/** Outputs that are inputs, constants or named twice get a node of their own. */
function distinct(results: (readonly [string, Value])[]): (readonly [string, Value])[] {
  const taken = new Set<string>()
  const ids = new Map<Node, number>()
  return results.map(([name, value]) => {
    const id = ids.get(value.node) ?? ids.size
    ids.set(value.node, id)
    const key = `${id}:${value.index}`
    const result = value.node.kind !== 'operator' || taken.has(key) ? identity(value) : value
    taken.add(key)
    return [name, result] as const
  })
}

function inputsOf(order: readonly Node[]): Value[] {
  const found = new Map<Node, Value>()
  for (const node of order)
    if (node.kind === 'operator')
      for (const v of node.inputs) if (v?.node.kind === 'input') found.set(v.node, v)
  return [...found.values()]
}

function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: onnxType[dtype],
          ...(shape !== unknownRank && {
            shape: create(TensorShapeProtoSchema, {
              dim: shape.map((d) =>
                create(TensorShapeProto_DimensionSchema, {
                  value:
                    typeof d === 'number'
                      ? { case: 'dimValue', value: BigInt(d) }
                      : d === null
                        ? { case: undefined }
                        : { case: 'dimParam', value: d },
                }),
              ),
            }),
          }),
        }),
      },
    }),
  })
}
