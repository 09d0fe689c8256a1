import type { DType } from '@cflow/base'

/** ONNX's numbers of the element types (TensorProto.DataType). */
export const onnxType: { readonly [T in DType]: number } = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
}

/** The element type with an ONNX number; undefined for one that this package does not handle. */
export const dtypeNumbered = (number: number | undefined): DType | undefined =>
  (Object.keys(onnxType) as DType[]).find((t) => onnxType[t] === number)

/** Names of the element types that this package does not handle. */
const others: Readonly<Record<number, string>> = {
  4: 'uint16',
  5: 'int16',
  8: 'text',
  12: 'uint32',
  13: 'uint64',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
}

/** What an element type is called in messages. */
export const typeName = (number: number | undefined): string =>
  dtypeNumbered(number) ?? others[number ?? 0] ?? `type ${number}`
