/** Largest finite float16. */
export const largestHalf = 65504

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** A float32 as the bits of the nearest float16 (IEEE 754 binary16), ties to even; too large is infinity. */
export function halfBits(x: number): number {
  float[0] = x
  const b = bits[0] as number
  const sign = (b >>> 16) & 0x8000
  const exponent = (b >>> 23) & 0xff
  const mantissa = b & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200)
  const e = exponent - 112
  if (e >= 31) return sign | 0x7c00
  if (e < -10) return sign
  if (e > 0) return sign | rounded((e << 23) | mantissa, 13)
  return sign | rounded(mantissa | 0x800000, 14 - e)
}

/** value / 2^shift, ties to even; a carry runs into the exponent, as it should. */
function rounded(value: number, shift: number): number {
  const half = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return rest > middle || (rest === middle && (half & 1) === 1) ? half + 1 : half
}

/** The number that the bits of a float16 stand for; exact. */
export function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const mantissa = half & 0x3ff
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN
  return exponent === 0
    ? sign * mantissa * 2 ** -24
    : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

/** Numbers as float16 bits; undefined when one of them lies beyond ±65504 and would become infinite. */
export function toHalf(values: Float32Array): Uint16Array | undefined {
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number
    if (Math.abs(v) > largestHalf) return undefined
    out[i] = halfBits(v)
  }
  return out
}
