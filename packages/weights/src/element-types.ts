import { allocate, bytesPerElement, type DType, type TypedArrays } from '@cflow/base'

/** How a file stores elements, and the type of tensor they become. */
export interface ElementType {
  readonly kind: 'type'
  readonly bytes: number
  readonly dtype: DType
  /** Stored bytes (little-endian, any alignment) as elements with memory of their own. */
  decode(bytes: Uint8Array): TypedArrays[DType]
}

function elements<T extends DType>(dtype: T, bytes: Uint8Array): TypedArrays[T] {
  const data = allocate(dtype, bytes.length / bytesPerElement[dtype])
  new Uint8Array(data.buffer).set(bytes)
  return data
}

/** Elements that tensors hold as files do. */
const plain = (dtype: DType): ElementType => ({
  kind: 'type',
  bytes: bytesPerElement[dtype],
  dtype,
  decode: (bytes) => elements(dtype, bytes),
})

/** Elements of two bytes that become wider ones, exactly. */
const widened = (dtype: DType, widen: (bits: Uint16Array) => TypedArrays[DType]): ElementType => ({
  kind: 'type',
  bytes: 2,
  dtype,
  decode: (bytes) => widen(elements('float16', bytes)),
})

/** A bfloat16 is the upper half of a float32. */
function fromBfloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer)
}

/** PyTorch's storage classes without `Storage`, safetensors' names of the same; what is widened after what is not. */
const types: readonly (readonly [torch: string, safetensors: string, type: ElementType])[] = [
  ['Float', 'F32', plain('float32')],
  ['Double', 'F64', plain('float64')],
  ['Half', 'F16', plain('float16')],
  ['Long', 'I64', plain('int64')],
  ['Int', 'I32', plain('int32')],
  ['Char', 'I8', plain('int8')],
  ['Byte', 'U8', plain('uint8')],
  ['Bool', 'BOOL', plain('bool')],
  ['BFloat16', 'BF16', widened('float32', fromBfloat16)],
  ['Short', 'I16', widened('int32', (bits) => Int32Array.from(bits, (b) => (b << 16) >> 16))],
]

export const torchType = (name: string): ElementType | undefined =>
  types.find(([torch]) => torch === name)?.[2]

export const safetensorsType = (name: string): ElementType | undefined =>
  types.find(([, safetensors]) => safetensors === name)?.[2]

export const safetensorsName = (dtype: DType): string =>
  types.find(([, , type]) => type.dtype === dtype)?.[1] as string
