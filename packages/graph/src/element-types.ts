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
