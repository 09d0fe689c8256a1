import { create } from '@bufbuild/protobuf'
import type { Attribute } from '../value.js'
import { AttributeProtoSchema, AttributeProto_AttributeType } from './generated/onnx_pb.js'
import type { AttributeProto } from './generated/onnx_pb.js'
import { fromTensorProto, toTensorProto } from './tensors.js'

export function toAttribute(name: string, a: Attribute): AttributeProto {
  const type = AttributeProto_AttributeType
  const utf8 = (s: string) => new TextEncoder().encode(s) as Uint8Array<ArrayBuffer>
  switch (a.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(a.value) })
    case 'float':
      return create(AttributeProtoSchema, { name, type: type.FLOAT, f: a.value })
    case 'string':
      return create(AttributeProtoSchema, { name, type: type.STRING, s: utf8(a.value) })
    case 'ints':
      return create(AttributeProtoSchema, { name, type: type.INTS, ints: a.value.map(BigInt) })
    case 'floats':
      return create(AttributeProtoSchema, { name, type: type.FLOATS, floats: [...a.value] })
    case 'strings':
      return create(AttributeProtoSchema, { name, type: type.STRINGS, strings: a.value.map(utf8) })
    case 'tensor':
      return create(AttributeProtoSchema, {
        name,
        type: type.TENSOR,
        t: toTensorProto(a.value, ''),
      })
    case 'raw':
      return { ...(a.value as AttributeProto), name }
  }
}

export function fromAttribute(a: AttributeProto): Attribute {
  const type = AttributeProto_AttributeType
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  switch (a.type) {
    case type.INT:
      return { kind: 'int', value: Number(a.i) }
    case type.FLOAT:
      return { kind: 'float', value: a.f }
    case type.STRING:
      return { kind: 'string', value: text(a.s) }
    case type.INTS:
      return { kind: 'ints', value: a.ints.map(Number) }
    case type.FLOATS:
      return { kind: 'floats', value: a.floats }
    case type.STRINGS:
      return { kind: 'strings', value: a.strings.map(text) }
    case type.TENSOR:
      if (a.t) return { kind: 'tensor', value: fromTensorProto(a.t) }
  }
  return { kind: 'raw', value: a }
}
