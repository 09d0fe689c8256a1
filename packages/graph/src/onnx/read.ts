import { fromBinary } from '@bufbuild/protobuf'
import { CflowError, messageOf } from '@cflow/base'
import { applyAll } from '../operator.js'
import { operators } from '../operators/registry.js'
import {
  constant,
  input,
  unknownRank,
  type Attribute,
  type Dim,
  type Inputs,
  type Operator,
  type Value,
  type ValueType,
} from '../value.js'
import { constantOfAttribute, fromAttribute } from './attributes.js'
import {
  ModelProtoSchema,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from './generated/onnx_pb.js'
import { dtypeOf, fromTensorProto } from './tensors.js'
import { resultType, upgraded, type Form } from './upgrade.js'
import { opsetVersion } from './write.js'

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
    const { dtype, shape } = typeOf(info)
    const v = feeds[info.name] ?? input(info.name, dtype, shape)
    values.set(info.name, v)
    inputs[info.name] = v
  }
  const infos = new Map(
    [...graph.valueInfo, ...graph.output].map((info) => [info.name, info] as const),
  )
  const opsets = opsetsOf(model)
  for (const node of graph.node) {
    const where = `${node.opType} ${node.name}`
    const inputs = node.input.map((name) => (name === '' ? undefined : named(values, name, where)))
    const results = resultsOf(node, inputs, { infos, opsets })
    node.output.forEach((name, i) => name !== '' && values.set(name, results[i] as Value))
  }
  return {
    inputs,
    outputs: Object.fromEntries(
      graph.output.map(({ name }) => [name, named(values, name, 'output')]),
    ),
    values,
    metadata: metadataOf(model),
    opsets,
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

/** Operator sets before this one are too different to be brought up to date. */
const oldestOpset = 7

/** Version of each operator set; the standard one has two names. */
function opsetsOf(model: ModelProto): Readonly<Record<string, number>> {
  const opsets = Object.fromEntries(
    model.opsetImport.map((o) => [standardName(o.domain), Number(o.version)]),
  )
  const standard = opsets['']
  if (standard !== undefined && standard < oldestOpset)
    throw new CflowError(
      'MODEL',
      `the file uses ONNX operator set ${standard}, older than ${oldestOpset}`,
      { hint: 'convert it with onnx.version_converter, or export it again' },
    )
  return opsets
}

const standardName = (domain: string): string => (domain === 'ai.onnx' ? '' : domain)

/** What is known of a file beside its nodes. */
interface FileContext {
  readonly infos: ReadonlyMap<string, ValueInfoProto>
  readonly opsets: Readonly<Record<string, number>>
}

/** The outputs of a node of the file. */
function resultsOf(node: NodeProto, inputs: Inputs, file: FileContext): readonly Value[] {
  const attributes = Object.fromEntries(node.attribute.map((a) => [a.name, fromAttribute(a)]))
  if (node.opType === 'Constant') {
    const of = (a: Attribute) => constantOfAttribute(a, node.output[0]) ?? []
    const constants = Object.values(attributes).flatMap(of)
    if (constants.length > 0) return constants
  }
  const domain = standardName(node.domain)
  const opset = file.opsets[domain] ?? opsetVersion
  let form: Form = { type: node.opType, inputs, attributes }
  if (domain === '') {
    form = upgraded(form, opset, node.output.length)
    const known = applyKnown(form, node, opset)
    if (known) return known
  }
  const opaque: Operator = {
    type: form.type,
    domain,
    ...((domain !== '' || opset > opsetVersion) && { version: opset }),
    infer: () =>
      node.output.map((name, i) => {
        const info = file.infos.get(name)
        return info ? typeOf(info) : { dtype: resultType(form, i), shape: unknownRank }
      }),
  }
  return applyAll(opaque, form.inputs, form.attributes, node.name || undefined)
}

function applyKnown(form: Form, node: NodeProto, opset: number): readonly Value[] | undefined {
  const { type, inputs, attributes } = form
  const found = operators.get(type)
  if (!found || inputs.some((v) => v?.shape === unknownRank && v.node.kind !== 'constant'))
    return undefined
  const operator = opset > opsetVersion ? { ...found, version: opset } : found
  try {
    const results = applyAll(operator, inputs, attributes, node.name || undefined)
    return results.length >= node.output.length ? results : undefined
  } catch (error) {
    // a form of the operator that the shape rule does not cover: keep it as it is
    if (error instanceof CflowError) return undefined
    throw error
  }
}

function typeOf(info: ValueInfoProto): ValueType {
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
