import { floats } from '@cflow/base'
import { cast, input, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { halfBits, largestHalf, toHalf } from './half.js'

/** The number that the bits of a float16 stand for; exact. */
function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const mantissa = half & 0x3ff
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN
  return exponent === 0
    ? sign * mantissa * 2 ** -24
    : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

describe('float16', () => {
  it('every float16 comes back from its number', () => {
    for (let h = 0; h < 65536; h++) {
      const value = halfValue(h)
      if (Number.isNaN(value)) expect(Number.isNaN(halfValue(halfBits(value)))).toBe(true)
      else if (halfBits(value) !== h) expect(halfBits(value)).toBe(h)
    }
  })

  it('is the nearest one, and the even one of two', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (x) => {
        const h = halfBits(x)
        const error = Math.abs(halfValue(h) - x)
        for (const neighbour of [h - 1, h + 1]) {
          if ((neighbour & 0x7fff) > 0x7bff || neighbour < 0) continue
          const other = Math.abs(halfValue(neighbour) - x)
          if (other < error || (other === error && (h & 1) === 1)) return false
        }
        return true
      }),
      { numRuns: 2000 },
    )
  })

  it('rounds as ONNX Runtime does', async () => {
    const values = fc.sample(fc.float({ noNaN: true }), { numRuns: 500, seed: 1 })
    const special = [0, -0, 65519.9, 65520, -1e9, 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, Infinity]
    const x = Float32Array.from([...values, ...special])
    const shape = [x.length]
    const graph = cast(input('x', 'float32', shape), 'float16')
    const session = await (await openRuntime()).createSession(writeOnnx({ y: graph }))
    const { y } = await session.run({ x: floats('float32', shape, x) })
    await session.release()
    expect(Array.from(x, halfBits)).toEqual(Array.from(y!.data as Uint16Array))
  })

  it('refuses what would become infinite', () => {
    expect(toHalf(Float32Array.of(1, -largestHalf))).toEqual(Uint16Array.of(0x3c00, 0xfbff))
    expect(toHalf(Float32Array.of(1, 65505))).toBeUndefined()
  })
})
