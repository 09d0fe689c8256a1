import { create } from '@bufbuild/protobuf'
import { floats } from '@cflow/base'
import { constant, int64s, scalar, type Attribute, type Value } from '../value.js'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as types,
  type AttributeProto,
} from './generated/onnx_pb.js'
import { fromTensorProto, toTensorProto } from './tensors.js'

export function toAttribute(name: string, a: Attribute): AttributeProto {
  const utf8 = (s: string) => new TextEncoder().encode(s) as Uint8Array<ArrayBuffer>
  switch (a.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: types.INT, i: BigInt(a.value) })
    case 'float':
      return create(AttributeProtoSchema, { name, type: types.FLOAT, f: a.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: types.STRING, s: utf8(a.value) })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: types.INTS, ints: a.value.map(BigInt) })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: types.FLOATS, floats: [...a.value] })
    case 'strings':
      return create(AttributeProtoSchema, { name, type: types.STRINGS, strings: a.value.map(utf8) })
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: types.TENSOR, t: toTensorProto(a.value) })
    case 'raw':
      return { ...(a.value as AttributeProto), name }
  }
}

export function fromAttribute(a: AttributeProto): Attribute {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  switch (a.type) {
    case types.INT:
      return { kind: 'int', value: Number(a.i) }
    case types.FLOAT:
      return { kind: 'float', value: a.f }
    case types.STRING:
      return { kind: 'string', value: text(a.s) }
    case types.INTS:
      return { kind: 'ints', value: a.ints.map(Number) }
    case types.FLOATS:
      return { kind: 'floats', value: a.floats }
    case types.STRINGS:
      return { kind: 'strings', value: a.strings.map(text) }
    case types.TENSOR:
      if (a.t) return { kind: 'tensor', value: fromTensorProto(a.t) }
  }
  return { kind: 'raw', value: a }
}

/** An attribute as a constant; undefined for one that is no tensor of numbers. @param name of the constant */
export function constantOfAttribute(a: Attribute, name?: string): Value | undefined {
  switch (a.kind) {
    case 'tensor':
      return constant(a.value, name)
    case 'float':
      return constant(floats('float32', [], [a.value]), name)
    case 'floats':
      return constant(floats('float32', [a.value.length], a.value), name)
    case 'int':
      return scalar(a.value, 'int64')
    case 'ints':
      return int64s(a.value)
  }
  return undefined
}
