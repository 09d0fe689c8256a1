import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { floats } from '@cflow/base'
import { constant, int64s, scalar, type Attribute, type Value } from '../value.js'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as types,
  type AttributeProto,
  type SparseTensorProto,
  type TensorProto,
} from './generated/onnx_pb.js'
import { fromTensorProto, isSupported, toTensorProto } from './tensors.js'

type Kind = Exclude<Attribute['kind'], 'raw'>
type Of<K extends Kind> = Extract<Attribute, { readonly kind: K }>['value']

/** How a kind of attribute stands in a file. */
interface Form<K extends Kind> {
  readonly type: types
  to(value: Of<K>): MessageInitShape<typeof AttributeProtoSchema>
  from(proto: AttributeProto): Of<K> | undefined
}

const utf8 = (s: string) => new TextEncoder().encode(s) as Uint8Array<ArrayBuffer>
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const forms: { readonly [K in Kind]: Form<K> } = {
  int: { type: types.INT, to: (v) => ({ i: BigInt(v) }), from: (a) => Number(a.i) },
  float: { type: types.FLOAT, to: (v) => ({ f: v }), from: (a) => a.f },
  string: { type: types.STRING, to: (v) => ({ s: utf8(v) }), from: (a) => text(a.s) },
  ints: { type: types.INTS, to: (v) => ({ ints: v.map(BigInt) }), from: (a) => a.ints.map(Number) },
  floats: { type: types.FLOATS, to: (v) => ({ floats: [...v] }), from: (a) => a.floats },
  tensor: {
    type: types.TENSOR,
    to: (v) => ({ t: toTensorProto(v) }),
    from: (a) => (a.t && isSupported(a.t) ? fromTensorProto(a.t) : undefined),
  },
}

export function toAttribute(name: string, a: Attribute): AttributeProto {
  if (a.kind === 'raw') return { ...(a.value as AttributeProto), name }
  const { type, to } = forms[a.kind] as Form<Kind>
  return create(AttributeProtoSchema, { name, type, ...to(a.value) })
}

export function fromAttribute(a: AttributeProto): Attribute {
  const [kind, form] = Object.entries(forms).find(([, { type }]) => type === a.type) ?? []
  const value = form?.from(a)
  return (value === undefined ? { kind: 'raw', value: a } : { kind, value }) as Attribute
}

/** A tensor as it stands in a file, as an attribute. */
export function rawTensor(
  held:
    | { readonly kind: 'tensor'; readonly value: TensorProto }
    | { readonly kind: 'sparse'; readonly value: SparseTensorProto },
): Attribute {
  const value =
    held.kind === 'tensor'
      ? create(AttributeProtoSchema, { type: types.TENSOR, t: held.value })
      : create(AttributeProtoSchema, { type: types.SPARSE_TENSOR, sparseTensor: held.value })
  return { kind: 'raw', value }
}

/** An attribute as a constant; undefined for one that is no tensor of numbers. @param name of the constant */
export function constantOfAttribute(a: Attribute, name?: string): Value | undefined {
  if (a.kind === 'tensor') return constant(a.value, name)
  if (a.kind === 'float') return constant(floats('float32', [], [a.value]), name)
  if (a.kind === 'floats') return constant(floats('float32', [a.value.length], a.value), name)
  if (a.kind === 'int') return scalar(a.value, 'int64')
  return a.kind === 'ints' ? int64s(a.value) : undefined
}
