import type { DType, Tensor, TypedArrays } from '@cflow/base'
import { widenBfloat16 } from './float32.js'

/** How a file stores elements, and the type of tensor they become. */
export interface ElementType {
  readonly kind: 'type'
  readonly bytes: number
  readonly dtype: DType
  /** Stored bytes (little-endian, any alignment) as elements with memory of their own. */
  decode(bytes: Uint8Array): TypedArrays[DType]
}

/** Tensor types that need no conversion, made over a fresh, aligned copy of the bytes. */
const plain = <T extends DType>(
  dtype: T,
  bytes: number,
  over: (buffer: ArrayBuffer) => TypedArrays[T],
): ElementType => ({ kind: 'type', bytes, dtype, decode: (b) => over(copyOf(b)) })

/** The bytes in a buffer of their own. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy.buffer
}

/** PyTorch's element types by the name of their storage class without `Storage`. */
export const elementTypes: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ['Float', plain('float32', 4, (b) => new Float32Array(b))],
  ['Double', plain('float64', 8, (b) => new Float64Array(b))],
  ['Half', plain('float16', 2, (b) => new Uint16Array(b))],
  [
    'BFloat16',
    {
      kind: 'type',
      bytes: 2,
      dtype: 'float32',
      decode: (b) => widenBfloat16(new Uint16Array(copyOf(b))),
    },
  ],
  ['Long', plain('int64', 8, (b) => new BigInt64Array(b))],
  ['Int', plain('int32', 4, (b) => new Int32Array(b))],
  [
    'Short',
    {
      kind: 'type',
      bytes: 2,
      dtype: 'int32',
      decode: (b) => Int32Array.from(new Int16Array(copyOf(b))),
    },
  ],
  ['Char', plain('int8', 1, (b) => new Int8Array(b))],
  ['Byte', plain('uint8', 1, (b) => new Uint8Array(b))],
  ['Bool', plain('bool', 1, (b) => new Uint8Array(b))],
])

/** Safetensors' names of the same. */
export const safetensorsTypes: ReadonlyMap<string, ElementType> = new Map(
  (
    [
      ['F32', 'Float'],
      ['F64', 'Double'],
      ['F16', 'Half'],
      ['BF16', 'BFloat16'],
      ['I64', 'Long'],
      ['I32', 'Int'],
      ['I16', 'Short'],
      ['I8', 'Char'],
      ['U8', 'Byte'],
      ['BOOL', 'Bool'],
    ] as const
  ).map(([name, torch]) => [name, elementTypes.get(torch) as ElementType]),
)

/** Safetensors' name of a tensor's type. */
export const safetensorsName: { readonly [T in DType]: string } = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
}

/** The bytes of a tensor's elements, as they lie in memory (little-endian on every platform JavaScript runs on). */
export function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data
  return new Uint8Array(buffer, byteOffset, byteLength)
}
