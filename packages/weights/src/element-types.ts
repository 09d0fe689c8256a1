import { allocate, bytesPerElement, type DType, type TypedArrays } from '@cflow/base'

/** How a file stores elements, and the type of tensor they become. */
export interface ElementType {
  readonly kind: 'type'
  readonly bytes: number
  readonly dtype: DType
  /** What it is called, where there is no tensor of such elements. */
  readonly unread?: string
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

/** Types of which there are no tensors. */
const others: readonly (readonly [
  torch: string,
  safetensors: string,
  name: string,
  bytes: number,
])[] = [
  ['', 'U16', 'uint16', 2],
  ['', 'U32', 'uint32', 4],
  ['', 'U64', 'uint64', 8],
  ['', 'F8_E4M3', 'float8_e4m3fn', 1],
  ['', 'F8_E5M2', 'float8_e5m2', 1],
  ['', 'F8_E4M3FNUZ', 'float8_e4m3fnuz', 1],
  ['', 'F8_E5M2FNUZ', 'float8_e5m2fnuz', 1],
  ['', 'F8_E8M0', 'float8_e8m0fnu', 1],
  ['', 'F6_E2M3', 'float6_e2m3', 0.75],
  ['', 'F6_E3M2', 'float6_e3m2', 0.75],
  ['', 'F4', 'float4', 0.5],
  ['ComplexHalf', '', 'complex32', 4],
  ['ComplexFloat', 'C64', 'complex64', 8],
  ['ComplexDouble', '', 'complex128', 16],
  ['QInt8', '', 'qint8', 1],
  ['QUInt8', '', 'quint8', 1],
  ['QInt32', '', 'qint32', 4],
  ['QUInt4x2', '', 'quint4x2', 1],
  ['QUInt2x4', '', 'quint2x4', 1],
  // bytes whose type the tensor says
  ['Untyped', '', 'untyped', 1],
]

/** A type of which there are no tensors. */
const unreadable = (unread: string, bytes: number): ElementType => ({
  ...{ kind: 'type', bytes, dtype: 'uint8', unread },
  decode: () => new Uint8Array(0),
})

const otherTorch = new Map(others.map(([torch, , name, bytes]) => [torch, unreadable(name, bytes)]))
const otherSafetensors = new Map(
  others.map(([, own, name, bytes]) => [own, unreadable(name, bytes)]),
)

export const torchType = (name: string): ElementType | undefined =>
  types.find(([torch]) => torch === name)?.[2] ?? (name === '' ? undefined : otherTorch.get(name))

export const safetensorsType = (name: string): ElementType | undefined =>
  types.find(([, safetensors]) => safetensors === name)?.[2] ??
  (name === '' ? undefined : otherSafetensors.get(name))

export const safetensorsName = (dtype: DType): string =>
  types.find(([, , type]) => type.dtype === dtype)?.[1] as string
