import { create, fromBinary } from '@bufbuild/protobuf'
import { CflowError, messageOf } from '@cflow/base'
import { dtypeNumbered } from '../element-types.js'
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
import { constantOfAttribute, fromAttribute, rawTensor } from './attributes.js'
import {
  ModelProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type SparseTensorProto,
  type TensorProto,
  type ValueInfoProto,
} from './generated/onnx_pb.js'
import { nodesOf, opsetsOf, standardName, titleOf, type Opsets, type Placed } from './nodes.js'
import { dtypeOf, fromTensorProto, isSupported } from './tensors.js'
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
 * as they are, with outputs of unknown rank; such a graph can be written again but not differentiated there. So are
 * tensors of element types that this package does not handle. Functions that the file defines are put in the place of
 * their calls, and nodes that stand in no order in which they could run are sorted.
 * @param feeds values to put in the place of graph inputs (to join two graphs)
 * @throws CflowError MODEL when it is not an ONNX file or is damaged
 */
export function readOnnx(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Value>> = {},
): OnnxModel {
  return modelOf(parse(bytes), feeds)
}

/**
 * A graph that an operator holds in an attribute (`body` of Scan), its inputs and outputs in the operator's order.
 * @param opsets those of the file that the operator is in
 * @throws CflowError MODEL when the attribute holds no graph, or one that uses values from around it
 */
export function readInner(
  attribute: Attribute | undefined,
  opsets: Readonly<Record<string, number>>,
): OnnxModel {
  const graph = attribute?.kind === 'raw' ? (attribute.value as AttributeProto).g : undefined
  if (!graph)
    throw new CflowError('MODEL', 'the graph is damaged: an operator lacks its inner graph')
  const opsetImport = Object.entries(opsets).map(([domain, version]) => ({ domain, version: BigInt(version) })) // prettier-ignore
  return modelOf(create(ModelProtoSchema, { graph, opsetImport }), {})
}

function modelOf(model: ModelProto, feeds: Readonly<Record<string, Value>>): OnnxModel {
  const graph = model.graph as GraphProto
  const opsets = opsetsOf(model.opsetImport)
  checkOpset(opsets[''])
  const values = new Map<string, Value>()
  for (const t of graph.initializer) values.set(t.name, initializerOf(t, opsets))
  for (const t of graph.sparseInitializer)
    values.set(t.values?.name ?? '', keptConstant({ kind: 'sparse', value: t }, opsets))
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
  for (const placed of nodesOf(model)) {
    const { node } = placed
    const where = titleOf(node)
    const inputs = node.input.map((name) => (name === '' ? undefined : named(values, name, where)))
    const results = resultsOf(placed, inputs, infos)
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

function checkOpset(standard: number | undefined): void {
  if (standard !== undefined && standard < oldestOpset)
    throw new CflowError(
      'MODEL',
      `the file uses ONNX operator set ${standard}, older than ${oldestOpset}`,
      { hint: 'convert it with onnx.version_converter, or export it again' },
    )
}

const initializerOf = (t: TensorProto, opsets: Opsets): Value =>
  isSupported(t)
    ? constant(fromTensorProto(t), t.name)
    : keptConstant({ kind: 'tensor', value: t }, opsets)

/** A constant that this package cannot read, as the node that makes it. */
function keptConstant(
  held:
    | { readonly kind: 'tensor'; readonly value: TensorProto }
    | { readonly kind: 'sparse'; readonly value: SparseTensorProto },
  opsets: Opsets,
): Value {
  const name = held.kind === 'tensor' ? 'value' : 'sparse_value'
  const operator: Operator = {
    type: 'Constant',
    ...versionOf('', opsets),
    infer: () => [{ dtype: 'float32', shape: unknownRank }],
  }
  return applyAll(operator, [], { [name]: rawTensor(held) })[0] as Value
}

/** The operator set that a file needs for an operator of this one, where it is not this package's own. */
function versionOf(domain: string, opsets: Opsets): { readonly version?: number } {
  const opset = opsets[domain] ?? opsetVersion
  return domain !== '' || opset > opsetVersion ? { version: opset } : {}
}

/** The outputs of a node of the file. */
function resultsOf(
  { node, opsets }: Placed,
  inputs: Inputs,
  infos: ReadonlyMap<string, ValueInfoProto>,
): readonly Value[] {
  const attributes = Object.fromEntries(node.attribute.map((a) => [a.name, fromAttribute(a)]))
  const domain = standardName(node.domain)
  if (domain === '' && node.opType === 'Constant') {
    const of = (a: Attribute) => constantOfAttribute(a, node.output[0]) ?? []
    const constants = Object.values(attributes).flatMap(of)
    if (constants.length > 0) return constants
  }
  const version = versionOf(domain, opsets)
  const label = node.name || undefined
  const put = (form: Form, types: (i: number) => ValueType, count: number): readonly Value[] => {
    const known = domain === '' ? applyKnown(form, version, count, label) : undefined
    if (known) return known
    const infer = () => Array.from({ length: count }, (_, i) => types(i))
    const opaque: Operator = { type: form.type, domain, ...version, infer }
    return applyAll(opaque, form.inputs, form.attributes, label)
  }
  const typesOf = (form: Form, told: boolean) => (i: number) => {
    const info = told ? infos.get(node.output[i] ?? '') : undefined
    return (info && tensorType(info)) ?? { dtype: resultType(form, i), shape: unknownRank }
  }
  const count = node.output.length
  const form: Form = { type: node.opType, inputs, attributes }
  if (domain !== '') return put(form, typesOf(form, true), count)
  const now = upgraded(
    form,
    opsets[''] ?? opsetVersion,
    count,
    (type, inputs, attributes, n = 1) => {
      const part = { type, inputs, attributes }
      return put(part, typesOf(part, false), n)
    },
  )
  return 'type' in now ? put(now, typesOf(now, true), count) : now
}

function applyKnown(
  { type, inputs, attributes }: Form,
  version: { readonly version?: number },
  count: number,
  label: string | undefined,
): readonly Value[] | undefined {
  const found = operators.get(type)
  if (!found || inputs.some((v) => v?.shape === unknownRank && v.node.kind !== 'constant'))
    return undefined
  const operator = version.version === undefined ? found : { ...found, ...version }
  try {
    const results = applyAll(operator, inputs, attributes, label)
    return results.length >= count ? results : undefined
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

/** The type of a value inside of the graph; undefined for one that this package does not handle. */
function tensorType(info: ValueInfoProto): ValueType | undefined {
  const type = info.type?.value
  const supported = type?.case === 'tensorType' && dtypeNumbered(type.value.elemType)
  return supported ? typeOf(info) : undefined
}
