import { floats } from '@cflow/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteScale } from './calibrate.js'
import { accuracyVerdict, rankingVerdict, spearman } from './gate.js'
import { quantiseBias, quantiseWeights } from './weights.js'

const number = fc.float({ min: -1000, max: 1000, noNaN: true })

describe('weights', () => {
  it('are off by half a step at most, channel by channel', () => {
    const arrays = fc.array(number, { minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(
        arrays,
        fc.constantFrom(0, 1),
        fc.constantFrom<127 | 63>(127, 63),
        (w, axis, levels) => {
          const weight = floats('float32', [3, 4], w)
          const { values, scales } = quantiseWeights(weight, axis, levels, undefined)
          expect(scales).toHaveLength(axis === 0 ? 3 : 4)
          values.data.forEach((q, i) => {
            const scale = scales[axis === 0 ? Math.floor(i / 4) : i % 4]!
            expect(Math.abs(q)).toBeLessThanOrEqual(levels)
            expect(Math.abs(q * scale - weight.data[i]!)).toBeLessThanOrEqual(0.501 * scale)
          })
        },
      ),
    )
  })

  it('of a channel that is tiny beside its bias still leave the bias in int32', () => {
    const bias = { values: Float32Array.of(1000), inputScale: 1e-3 }
    const weight = floats('float32', [1, 2], [1e-9, -1e-9])
    const { scales } = quantiseWeights(weight, 0, 127, bias)
    const b = quantiseBias(bias.values, bias.inputScale, scales)
    expect(b.values.data[0]! * b.scales[0]!).toBeCloseTo(1000, 2)
  })
})

it('ranges hold zero exactly and reach both ends', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)]
      const { scale, zero } = byteScale({ low, high })
      expect(Number.isInteger(zero) && zero >= 0 && zero <= 255).toBe(true)
      expect((255 - zero) * scale).toBeGreaterThanOrEqual(high - 0.51 * scale)
      expect(-zero * scale).toBeLessThanOrEqual(low + 0.51 * scale)
    }),
  )
})

describe('gate', () => {
  it('Spearman: order is all that counts, ties share ranks', () => {
    expect(spearman([1, 2, 3, 4], [1, 8, 27, 64])).toBe(1)
    expect(spearman([1, 2, 3], [3, 2, 1])).toBe(-1)
    // ranks 1 2½ 2½ 4 5 and 2 1 3 4½ 4½, less their mean 3: Σxy = 7.5, Σx² = Σy² = 9.5
    expect(spearman([1, 2, 2, 4, 5], [2, 1, 3, 5, 5])).toBeCloseTo(7.5 / 9.5, 12)
    expect(spearman([1, 1, 1], [1, 2, 3])).toBe(0)
  })

  it('passes what loses 0.002 AUROC at most, in images and in pixels', () => {
    const float = { image: 0.97, pixel: 0.98 }
    expect(accuracyVerdict(float, { image: 0.9681, pixel: 0.99 }).passed).toBe(true)
    expect(accuracyVerdict(float, { image: 0.9679, pixel: 0.99 }).passed).toBe(false)
    expect(accuracyVerdict(float, { image: 0.99, pixel: 0.9779 }).passed).toBe(false)
    expect(accuracyVerdict({ image: 0.97 }, { image: 0.97 }).passed).toBe(true)
    expect(rankingVerdict([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]).passed).toBe(false)
  })
})
