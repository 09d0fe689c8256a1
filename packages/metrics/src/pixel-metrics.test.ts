import fc from 'fast-check'
import { expect, it } from 'vitest'
import { images, type MaskedMap } from '../test/arbitraries.js'
import { auproByDefinition } from '../test/brute-force.js'
import * as metrics from './index.js'
import { PixelMetrics } from './index.js'

function gather(set: readonly MaskedMap[]): PixelMetrics {
  const pixels = new PixelMetrics()
  for (const { map, mask, width, height } of set) pixels.add(map, mask, width, height)
  return pixels
}

function flat(set: readonly MaskedMap[]): { scores: number[]; labels: boolean[] } {
  return {
    scores: set.flatMap(({ map }) => [...map]),
    labels: set.flatMap(({ mask }) => Array.from(mask, (v) => v !== 0)),
  }
}

const limits = fc.oneof(
  fc.constantFrom(0.3, 1, 1 / 3),
  fc.double({ min: 0.01, max: 1, noNaN: true }),
)

it('image by image gives what all pixels at once give', () => {
  fc.assert(
    fc.property(images, fc.float({ noNaN: true }), (set, threshold) => {
      const pixels = gather(set)
      const { scores, labels } = flat(set)
      expect(pixels.auroc()).toBe(metrics.auroc(scores, labels))
      expect(pixels.averagePrecision()).toBe(metrics.averagePrecision(scores, labels))
      expect(pixels.f1Max()).toEqual(metrics.f1Max(scores, labels))
      expect(pixels.confusionAt(threshold)).toEqual(metrics.confusionAt(scores, labels, threshold))
      expect(pixels.rocCurve(9)).toEqual(metrics.rocCurve(scores, labels, 9))
      expect(pixels.prCurve(9)).toEqual(metrics.prCurve(scores, labels, 9))
      expect(pixels.scoreHistogram()).toEqual(metrics.scoreHistogram(scores, labels))
    }),
  )
})

it('AUPRO follows its definition', () => {
  fc.assert(
    fc.property(images, limits, (set, limit) => {
      const pixels = gather(set)
      const { normal, regions } = pixels.counts
      const value = pixels.aupro(limit)
      if (normal === 0 || regions === 0) expect(value).toBeNaN()
      else expect(value).toBeCloseTo(auproByDefinition(set, limit), 10)
    }),
    { numRuns: 300 },
  )
})

it('metrics asked for in between, reused maps and the order of images change nothing', () => {
  fc.assert(
    fc.property(images, (set) => {
      const expected = gather(set)
      const pixels = new PixelMetrics()
      for (const { map, mask, width, height } of [...set].reverse()) {
        const reused = map.slice()
        pixels.add(reused, mask, width, height)
        reused.fill(7)
        pixels.aupro()
      }
      expect(pixels.auroc()).toBe(expected.auroc())
      for (const protocol of ['exact', 'cflow-ad', 'mvtec-3d'] as const) {
        const value = expected.aupro(0.4, { protocol })
        if (Number.isNaN(value)) expect(pixels.aupro(0.4, { protocol })).toBeNaN()
        else expect(pixels.aupro(0.4, { protocol })).toBeCloseTo(value, 10)
      }
      expect(pixels.counts).toEqual(expected.counts)
    }),
  )
})

it('the PRO curve integrates to the AUPRO, ends at the limit, and keeps to maxPoints', () => {
  fc.assert(
    fc.property(images, limits, fc.integer({ min: 2, max: 12 }), (set, limit, maxPoints) => {
      const pixels = gather(set)
      fc.pre(pixels.counts.normal > 0 && pixels.counts.regions > 0)
      const { fpr, overlap } = pixels.proCurve({ limit })
      let area = 0
      for (let i = 1; i < fpr.length; i++)
        area += ((fpr[i]! - fpr[i - 1]!) * (overlap[i]! + overlap[i - 1]!)) / 2
      expect(area / limit).toBeCloseTo(pixels.aupro(limit), 10)
      expect(fpr.at(-1)).toBe(limit)
      const thinned = pixels.proCurve({ limit, maxPoints })
      expect(thinned.fpr.length).toBeLessThanOrEqual(maxPoints)
      expect(thinned.fpr.at(-1)).toBe(limit)
      expect(thinned.overlap.at(-1)).toBe(overlap.at(-1))
    }),
  )
})

it('weighs a one-pixel region as much as a large one', () => {
  const mask = Uint8Array.of(1, 0, 1, 1, 1, 1, 0, 0, 0, 0)
  const map = Float32Array.of(9, 0, 1, 1, 1, 1, 5, 0, 0, 0)
  const pixels = new PixelMetrics()
  pixels.add(map, mask, 10, 1)
  // the small region is found at once, the large one after one of five normal pixels
  const curve = pixels.proCurve()
  expect([...curve.overlap]).toEqual([0, 0.5, 0.5, 1, 1])
  expect([...curve.fpr]).toEqual([0, 0, 0.2, 0.2, 1])
  expect(pixels.aupro(0.2)).toBe(0.5)
})

it('counts predicted holes in the numerator for cflow-ad only', () => {
  const mask = Uint8Array.of(1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0)
  const map = Float32Array.of(2, 2, 2, 0, 2, 2, 2, 0, 2, 2, 2, 1)
  const pixels = new PixelMetrics()
  pixels.add(map, mask, 4, 3)
  expect(pixels.proCurve({ protocol: 'cflow-ad' }).overlap.at(-1)).toBe(9 / 8)
  expect(pixels.proCurve().overlap.at(-1)).toBe(1)
})

it('says what is wrong with an image and does not add it', () => {
  const pixels = new PixelMetrics()
  const mask = new Uint8Array(4)
  expect(() => {
    pixels.add(Float32Array.of(0, 0, 0, NaN), mask, 2, 2)
  }).toThrow('the map is NaN at x 1, y 1')
  expect(() => {
    pixels.add([0, undefined, 0, 0] as unknown as Float32Array, mask, 2, 2)
  }).toThrow('the map is undefined at x 1, y 0')
  expect(() => {
    pixels.add(new Float32Array(4), mask, 2, 3)
  }).toThrow('map must have 6 elements (2 × 3), got 4')
  expect(() => {
    pixels.add(new Float32Array(6), mask, 2, 3)
  }).toThrow('mask must have 6 elements')
  expect(pixels.counts).toEqual({ normal: 0, anomalous: 0, regions: 0 })
})

it('checks limits and protocols, and is NaN without regions or normal pixels', () => {
  const pixels = new PixelMetrics()
  expect(pixels.aupro()).toBeNaN()
  expect(pixels.auroc()).toBeNaN()
  pixels.add(Float32Array.of(1, 2), new Uint8Array(2), 2, 1)
  expect(pixels.aupro()).toBeNaN()
  expect(pixels.proCurve().overlap.every(Number.isNaN)).toBe(true)
  for (const limit of [0, -1, 1.1, NaN])
    expect(() => pixels.aupro(limit)).toThrow('the limit of the false-positive rate')
  pixels.add(Float32Array.of(1, 2), new Uint8Array(2).fill(255), 2, 1)
  expect(() => pixels.aupro(0.3, { protocol: 'x' as 'exact' })).toThrow('protocol must be')
  expect(() => pixels.aupro(0.3, { protocol: 'mvtec-3d', thresholds: 1 })).toThrow('thresholds')
  pixels.add(Float32Array.of(Infinity), new Uint8Array(1), 1, 1)
  expect(() => pixels.aupro(0.3, { protocol: 'cflow-ad' })).toThrow('finite')
})
