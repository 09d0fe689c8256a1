import { CflowError } from './errors.js'

/** Element types, by their ONNX names in lower case. */
export type DType =
  'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool'

/** Typed array that holds the elements of each type (float16 as its raw bits, bool as bytes). */
export interface TypedArrays {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  int64: BigInt64Array
  int32: Int32Array
  int8: Int8Array
  uint8: Uint8Array
  bool: Uint8Array
}

export type TensorData = TypedArrays[DType]

/** A dense tensor in row-major order. */
export interface Tensor<T extends DType = DType> {
  readonly dtype: T
  readonly shape: readonly number[]
  readonly data: TypedArrays[T]
}

const arrays: { readonly [T in DType]: new (n: number) => TypedArrays[T] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
}

/** Bytes one element takes. */
export const bytesPerElement: { readonly [T in DType]: number } = {
  float32: 4,
  float64: 8,
  float16: 2,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1)
}

/** An array of `length` zeros of the element type. */
export function allocate<T extends DType>(dtype: T, length: number): TypedArrays[T] {
  return new arrays[dtype](length)
}

/**
 * A tensor over existing data.
 * @throws CflowError SHAPE when the number of elements is not that of the shape
 */
export function tensor<T extends DType>(
  dtype: T,
  shape: readonly number[],
  data: TypedArrays[T],
): Tensor<T> {
  if (data.length !== sizeOf(shape))
    throw new CflowError(
      'SHAPE',
      `a ${dtype} tensor of shape [${shape.join(', ')}] needs ${sizeOf(shape)} elements, got ${data.length}`,
    )
  return { dtype, shape, data }
}

/** A tensor of zeros. */
export function zeros<T extends DType>(dtype: T, shape: readonly number[]): Tensor<T> {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) }
}

/** float32 or float64 tensor from plain numbers. */
export function floats<T extends 'float32' | 'float64'>(
  dtype: T,
  shape: readonly number[],
  values: ArrayLike<number>,
): Tensor<T> {
  const data = allocate(dtype, values.length) as Float32Array | Float64Array
  data.set(values)
  return tensor(dtype, shape, data as TypedArrays[T])
}
