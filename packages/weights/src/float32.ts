import { CflowError } from '@cflow/base'
import type { Tensor } from '@cflow/base'

/**
 * The tensor as float32: float16 is widened exactly, float64 rounded, float32 returned as it is.
 * @param name for the error message
 * @throws CflowError WEIGHTS when it holds no floating-point numbers
 */
export function toFloat32(tensor: Tensor, name = 'a tensor'): Tensor<'float32'> {
  if (tensor.dtype === 'float32') return tensor as Tensor<'float32'>
  if (tensor.dtype === 'float64')
    return {
      dtype: 'float32',
      shape: tensor.shape,
      data: Float32Array.from(tensor.data as Float64Array),
    }
  if (tensor.dtype === 'float16')
    return { dtype: 'float32', shape: tensor.shape, data: widenHalf(tensor.data as Uint16Array) }
  throw new CflowError('WEIGHTS', `${name} holds ${tensor.dtype}, not floating-point numbers`, {
    subject: name,
  })
}

/** IEEE 754 half-precision numbers, given as their bits, as float32 (exact). */
export function widenHalf(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(bits, halfToNumber)
}

/** bfloat16 numbers, given as their bits, as float32 (exact). */
export function widenBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer)
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
