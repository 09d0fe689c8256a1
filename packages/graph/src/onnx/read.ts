import { fromBinary } from '@bufbuild/protobuf'
import { CflowError, messageOf } from '@cflow/base'
import { applyAll } from '../operator.js'
import type { Operator } from '../operator.js'
import { operators } from '../operators/registry.js'
import { constant, input, unknownRank } from '../value.js'
import type { Attribute, Attributes, Dim, Shape, Value } from '../value.js'
import { fromAttribute } from './attributes.js'
import { ModelProtoSchema } from './generated/onnx_pb.js'
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from './generated/onnx_pb.js'
import { dtypeOf, fromTensorProto } from './tensors.js'

export interface OnnxModel {
  readonly inputs: Readonly<Record<string, Value>>
  readonly outputs: Readonly<Record<string, Value>>
  /** Every named value of the graph, outputs and inner ones. */
  readonly values: ReadonlyMap<string, Value>
  readonly metadata: Readonly<Record<string, string>>
  /** Version of each operator set; the standard one under ''. */
  readonly opsets: Readonly<Record<string, number>>
  readonly producer: { readonly name: string; readonly version: string }
}

function parse(bytes: Uint8Array): ModelProto {
  let model: ModelProto
  try {
    model = fromBinary(ModelProtoSchema, bytes)
  } catch (error) {
    throw new CflowError('MODEL', `not an ONNX file: ${messageOf(error)}`, { cause: error })
  }
  if (!model.graph || model.opsetImport.length === 0)
    throw new CflowError('MODEL', 'not an ONNX file: it holds no graph')
  return model
}

const metadataOf = (model: ModelProto): Record<string, string> =>
  Object.fromEntries(model.metadataProps.map((p) => [p.key, p.value]))

/** Only the key–value metadata of an ONNX file. @throws CflowError MODEL when it is not one */
export function readMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  return metadataOf(parse(bytes))
}

/**
 * An ONNX file as values. Operators that this package does not know, or whose input shapes are not known, are kept
 * as they are, with outputs of unknown rank; such a graph can be written again but not differentiated there.
 * @param feeds values to put in the place of graph inputs (to join two graphs)
 * @throws CflowError MODEL when it is not an ONNX file or is damaged
 */
export function readOnnx(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Value>> = {},
): OnnxModel {
  const model = parse(bytes)
  const graph = model.graph as GraphProto
  const values = new Map<string, Value>()
  for (const t of graph.initializer) values.set(t.name, constant(fromTensorProto(t), t.name))
  const inputs: Record<string, Value> = {}
  for (const info of graph.input) {
    if (values.has(info.name)) continue // an initializer that may be overridden
    const v = feeds[info.name] ?? inputOf(info)
    values.set(info.name, v)
    inputs[info.name] = v
  }
  const known = new Map(
    [...graph.valueInfo, ...graph.output].map((info) => [info.name, info] as const),
  )
  for (const node of graph.node) addNode(node, values, known)
  const outputs: Record<string, Value> = {}
  for (const { name } of graph.output) outputs[name] = named(values, name, 'output')
  return {
    inputs,
    outputs,
    values,
    metadata: metadataOf(model),
    opsets: Object.fromEntries(model.opsetImport.map((o) => [o.domain, Number(o.version)])),
    producer: { name: model.producerName, version: model.producerVersion },
  }
}

function named(values: ReadonlyMap<string, Value>, name: string, where: string): Value {
  const v = values.get(name)
  if (!v)
    throw new CflowError(
      'MODEL',
      `the graph is damaged: ${where} uses ${name}, which nothing makes`,
    )
  return v
}

function addNode(
  node: NodeProto,
  values: Map<string, Value>,
  infos: ReadonlyMap<string, ValueInfoProto>,
): void {
  const where = `${node.opType} ${node.name}`
  const attributes: Record<string, Attribute> = {}
  for (const a of node.attribute) attributes[a.name] = fromAttribute(a)
  if (node.opType === 'Constant' && attributes['value']?.kind === 'tensor') {
    const name = node.output[0] as string
    values.set(name, constant(attributes['value'].value, name))
    return
  }
  const inputs = node.input.map((name) => (name === '' ? undefined : named(values, name, where)))
  const results =
    applyKnown(node, inputs, attributes) ?? applyOpaque(node, inputs, attributes, infos)
  node.output.forEach((name, i) => name !== '' && values.set(name, results[i] as Value))
}

function applyKnown(
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
): readonly Value[] | undefined {
  const operator = node.domain === '' ? operators.get(node.opType) : undefined
  if (!operator || inputs.some((v) => v?.shape === unknownRank && v.node.kind !== 'constant'))
    return undefined
  try {
    const options = { label: node.name || undefined, outputs: node.output.length }
    const results = applyAll(operator, inputs, attributes, options)
    return results.length >= node.output.length ? results : undefined
  } catch (error) {
    // a form of the operator that the shape rule does not cover (other operator sets): keep it as it is
    if (error instanceof CflowError) return undefined
    throw error
  }
}

function applyOpaque(
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  infos: ReadonlyMap<string, ValueInfoProto>,
): readonly Value[] {
  const operator: Operator = {
    type: node.opType,
    domain: node.domain,
    infer: () =>
      node.output.map((name) => {
        const info = infos.get(name)
        return info ? typeOf(info) : { dtype: inputs[0]?.dtype ?? 'float32', shape: unknownRank }
      }),
  }
  return applyAll(operator, inputs, attributes, { label: node.name || undefined })
}

function inputOf(info: ValueInfoProto): Value {
  const { dtype, shape } = typeOf(info)
  return input(info.name, dtype, shape)
}

function typeOf(info: ValueInfoProto): { dtype: Value['dtype']; shape: Shape } {
  const type = info.type?.value
  if (type?.case !== 'tensorType') throw new CflowError('MODEL', `${info.name} is not a tensor`)
  const dims = type.value.shape?.dim
  return {
    dtype: dtypeOf(type.value.elemType, info.name),
    shape:
      dims?.map((d): Dim => {
        if (d.value.case === 'dimValue') return Number(d.value.value)
        return d.value.case === 'dimParam' ? d.value.value : null
      }) ?? unknownRank,
  }
}
