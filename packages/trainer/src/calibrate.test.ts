import { Random } from '@cflow/base'
import { rateLimit, thresholdAt } from '@cflow/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calibrationOf, placedThreshold } from './calibrate.js'

const scores = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 80 }) // prettier-ignore
const rate = fc.double({ min: 0.01, max: 0.5, noNaN: true })

const images = (n: number, falsePositiveRate = 0.05, source: 'held-out' | 'training' = 'held-out') => ({ source, falsePositiveRate, independent: true, ids: Array.from({ length: n }, (_, i) => `${i}.png`) }) // prettier-ignore

describe('a threshold between good images and known defects', () => {
  it('keeps the promise of the conformal one, and finds every defect that it finds', () => {
    fc.assert(
      fc.property(scores, scores, rate, (good, bad, falsePositiveRate) => {
        const sorted = [...good].sort((a, b) => a - b)
        const defects = [...bad].sort((a, b) => a - b)
        const { threshold: conformal } = thresholdAt(sorted, falsePositiveRate)
        const about = { conformal, falsePositiveRate, bound: Infinity }
        const placed = placedThreshold(sorted, defects, about)
        expect(placed).toBeGreaterThanOrEqual(conformal)
        const found = (t: number) => defects.filter((s) => s > t).length
        expect(found(placed)).toBe(found(conformal))
        if (defects[0]! <= Math.max(conformal, sorted.at(-1)!)) expect(placed).toBe(conformal)
        expect(placedThreshold(sorted, [], about)).toBe(conformal)
      }),
    )
  })

  it('moves up where there is room, by no more than plain defects leave to others', () => {
    const good = Array.from({ length: 40 }, (_, i) => i / 10)
    const { threshold: conformal } = thresholdAt(good, 0.05)
    const about = { conformal, falsePositiveRate: 0.05, bound: Infinity }
    const near = placedThreshold(good, [4.5, 200], about)
    expect(near).toBeCloseTo((conformal + 4.5) / 2, 12)
    const far = placedThreshold(good, [150, 200], about)
    expect(far).toBeCloseTo(thresholdAt(good, 0.005).threshold, 12)
    expect(far).toBeLessThan(8)
  })

  it('raises fewer false alarms on new good images than without', () => {
    const random = Random.seeded(3)
    const good = () => -Math.log(1 - random.next())
    let [before, after] = [0, 0]
    const trials = 4000
    for (let i = 0; i < trials; i++) {
      const held = Array.from({ length: 30 }, good).sort((a, b) => a - b)
      const { threshold: conformal } = thresholdAt(held, 0.1)
      const about = { conformal, falsePositiveRate: 0.1, bound: Infinity }
      const placed = placedThreshold(held, [8, 9], about)
      const score = good()
      if (score > conformal) before++
      if (score > placed) after++
    }
    expect(before / trials).toBeLessThan(0.115)
    expect(after).toBeLessThan(0.7 * before)
  })
})

describe('a calibration', () => {
  it('names the image that decided: the one whose score is the threshold, else the highest', () => {
    const many = Array.from({ length: 39 }, (_, i) => (i * 17) % 39)
    const enough = calibrationOf(many, [], Infinity, images(39))
    expect(enough.setBy?.score).toBe(enough.threshold)
    expect(many[parseInt(enough.setBy?.id ?? '')]).toBe(enough.threshold)
    const few = calibrationOf([3, 9, 4], [], Infinity, images(3))
    expect(few.setBy).toEqual({ id: '1.png', score: 9 })
    expect(few.threshold).toBeGreaterThan(9)
    const moved = calibrationOf(many, [60, 70], Infinity, images(39))
    expect(moved.setBy).toEqual(enough.setBy)
    expect(moved.knownDefects).toEqual({ scores: [60, 70], conformal: enough.threshold })
    expect(moved.threshold).toBeGreaterThan(enough.threshold)
  })

  it('ends where its threshold could never be exceeded, or a score is no number', () => {
    expect(() => calibrationOf([1, NaN, 2], [], Infinity, images(3))).toThrow(/NaN/)
    expect(() => calibrationOf([3, 3, 3], [], 3, images(3, 0.5))).toThrow(
      expect.objectContaining({ code: 'MODEL', message: expect.stringContaining('called good') as string }), // prettier-ignore
    )
  })

  it('keeps the limit that is told of its very rate, with the confidence that is told', () => {
    const random = Random.seeded(5)
    const trials = 2000
    let beyond = 0
    for (let i = 0; i < trials; i++) {
      const held = Array.from({ length: 43 }, () => random.next())
      const { threshold } = calibrationOf(held, [], Infinity, images(43))
      // of uniform scores the rate is what lies above
      if (1 - threshold > rateLimit(43, held.filter((s) => s > threshold).length)) beyond++
    }
    expect(beyond / trials).toBeLessThan(0.065)
    expect(beyond / trials).toBeGreaterThan(0.035)
  })
})
