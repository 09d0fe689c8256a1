import { readFileSync } from 'node:fs'
import { Random, floats } from '@cflow/base'
import { input } from '@cflow/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { golden } from '../../test/golden.js'
import { run } from '@cflow/runtimes/testing'
import {
  addUpsampled,
  aggregationSchema,
  anomalyMap,
  anomalyMapValue,
  pValue,
  statisticsOf,
  calibratedThreshold,
  thresholdAt,
} from '../index.js'
import type { Aggregation, ScaleStatistics } from '../index.js'

const ops = JSON.parse(
  readFileSync(new URL('../../fixtures/ops.json', import.meta.url), 'utf8'),
) as { bilinear_align_true_2x3_to_5x4: { in: number[][]; out: number[][] } }

const { heights, log_prob_per_dim, out_size, super_mask, image_score } = golden('flow').aggregation

/** Per scale, the likelihoods of three images. */
const scales = heights.map((h, k) => ({
  height: h,
  width: h,
  images: [0, 1, 2].map((i) =>
    Float64Array.from(log_prob_per_dim[k]!.slice(i * h * h, (i + 1) * h * h)),
  ),
}))

/** The maps of all three, one after the other; of `paper` shifted as the authors do. */
function maps(aggregation: Aggregation, statistics: readonly ScaleStatistics[], size: number) {
  const all = [0, 1, 2].flatMap((i) => {
    const own = scales.map(({ images, ...map }) => ({ ...map, data: images[i]! }))
    return [...anomalyMap(aggregation, statistics, own, size)]
  })
  const min = aggregation === 'paper' ? Math.min(...all) : 0
  return all.map((v) => v - min)
}

describe('aggregation', () => {
  it('of the paper agrees with the golden values', () => {
    const statistics = scales.map((s) => statisticsOf(1, s.images))
    const got = maps('paper', statistics, out_size)
    super_mask.flat(2).forEach((v, i) => expect(got[i]).toBeCloseTo(v, 9))
    const area = out_size ** 2
    image_score.forEach((v, i) =>
      expect(Math.max(...got.slice(i * area, (i + 1) * area))).toBeCloseTo(v, 9),
    )
  })

  it.each(aggregationSchema.options)('%s is the same in the graph', async (aggregation) => {
    const statistics = scales.map((s, k) => statisticsOf(40 + k, s.images))
    const got = maps(aggregation, statistics, 16)
    const values = scales.map((s, k) => input(`l${k}`, 'float32', ['N', s.height, s.width]))
    const graph = await run(
      { map: anomalyMapValue(aggregation, statistics, values, 16) },
      Object.fromEntries(
        scales.map(({ height, width, images }, k) => [
          `l${k}`,
          floats(
            'float32',
            [3, height, width],
            images.flatMap((l) => [...l]),
          ),
        ]),
      ),
    )
    // `paper` is shifted by what only the whole set tells
    const shift = aggregation === 'paper' ? Math.min(...graph['map']!.data) : 0
    graph['map']!.data.forEach((v, i) => expect(v - shift).toBeCloseTo(got[i]!, 3))
  })

  it.each(['paper', 'calibrated'] as const)(
    '%s stays finite, and at 0, for what is likelier than every calibration image',
    async (aggregation) => {
      const statistics = [{ depth: 1, mean: -5000, deviation: 100, max: -480 }]
      const map = anomalyMapValue(aggregation, statistics, [input('l', 'float32', ['N', 2, 2])], 4)
      const far = Float32Array.of(-5, -300, -480, -30_000)
      const got = await run({ map }, { l: floats('float32', [1, 2, 2], far) })
      const values = Array.from(got['map']!.data, Number)
      expect(values.every(Number.isFinite)).toBe(true)
      expect(values.slice(0, 4)).toEqual([0, 0, 0, 0])
      expect(values.at(-1)).toBe(1)
    },
  )

  it('upsamples as PyTorch does with aligned corners', () => {
    const { in: small } = ops.bilinear_align_true_2x3_to_5x4
    const target = new Float64Array(25)
    addUpsampled(Float64Array.from(small.flat()), 2, 3, target, 5)
    // corners keep their values, and the middle row is the mean of the two
    expect([target[0], target[4], target[20], target[24]]).toEqual([
      small[0]![0],
      small[0]![2],
      small[1]![0],
      small[1]![2],
    ])
    expect(target[10]).toBeCloseTo((small[0]![0]! + small[1]![0]!) / 2, 12)
  })
})

describe('conformal thresholds', () => {
  const scores = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), {
    minLength: 1,
    maxLength: 60,
  })
  const rate = fc.double({ min: 0.001, max: 0.999, noNaN: true })

  it('leave at most the asked share of the held-out scores and one more above', () => {
    fc.assert(
      fc.property(scores, rate, (s, alpha) => {
        const { threshold, guaranteed } = thresholdAt(s, alpha)
        const above = s.filter((v) => v > threshold).length
        if (guaranteed) expect(above).toBeLessThanOrEqual(alpha * (s.length + 1) + 1e-6)
        else expect(above).toBe(0)
        expect(guaranteed).toBe(s.length + 1 >= 1 / alpha - 1e-6)
      }),
    )
  })

  it('hold on new scores from the same source', () => {
    let state = 1
    const next = () => (state = (1664525 * state + 1013904223) % 4294967296) / 4294967296
    let above = 0
    const trials = 4000
    for (let i = 0; i < trials; i++) {
      const held = Array.from({ length: 30 }, next)
      if (next() > thresholdAt(held, 0.1).threshold) above++
    }
    expect(above / trials).toBeLessThan(0.1 + 0.015)
    expect(above / trials).toBeGreaterThan(0.05)
  })

  const folds = (s: readonly number[], alpha: number, bound = Infinity) =>
    calibratedThreshold({ source: 'folds', scores: [...s] }, alpha, bound).threshold

  it.each([
    ['normal', (random: Random) => random.normal()],
    ['exponential', (random: Random) => -Math.log(1 - random.next())],
    ['even', (random: Random) => random.next()],
  ])('of few images in folds aim at the rate, of %s scores, and vary less', (_, next) => {
    const random = Random.seeded(7)
    const trials = 4000
    let above = 0
    const thresholds: [number, number][] = []
    for (let i = 0; i < trials; i++) {
      const held = Array.from({ length: 25 }, () => next(random))
      thresholds.push([folds(held, 0.05), thresholdAt(held, 0.05).threshold])
      if (next(random) > (thresholds[i] as [number, number])[0]) above++
    }
    expect(above / trials).toBeGreaterThan(0.01)
    expect(above / trials).toBeLessThan(0.075)
    const spread = (k: 0 | 1) => {
      const mean = thresholds.reduce((a, t) => a + t[k], 0) / trials
      return thresholds.reduce((a, t) => a + (t[k] - mean) ** 2, 0) / trials
    }
    expect(spread(0)).toBeLessThan(_ === 'even' ? Infinity : spread(1))
  })

  it('of folds fall as the rate rises, stay below a bound, and are those of a confidence where one is asked for', () => {
    const few = fc.array(fc.double({ noNaN: true, min: 0, max: 3 }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(few, rate, rate, (s, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        for (const bound of [Infinity, 3])
          expect(folds(s, high, bound)).toBeLessThanOrEqual(folds(s, low, bound) + 1e-6)
        expect(folds(s, low, 3)).toBeLessThan(3)
        const sure = { source: 'folds', scores: s, confidence: 0.9 } as const
        expect(calibratedThreshold(sure, low, 3)).toEqual(thresholdAt(s, low, 3, 0.9))
        const held = { source: 'held-out', scores: s } as const
        expect(calibratedThreshold(held, low, 3)).toEqual(thresholdAt(s, low, 3))
      }),
    )
  })

  it('fall as the rate rises', () => {
    fc.assert(
      fc.property(scores, rate, rate, (s, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        expect(thresholdAt(s, high).threshold).toBeLessThanOrEqual(thresholdAt(s, low).threshold)
      }),
    )
  })

  it('of bounded scores stay below the bound, whatever the rate, and not below the largest', () => {
    const bounded = fc.array(fc.double({ noNaN: true, min: 0, max: 3 }), { minLength: 1 })
    fc.assert(
      fc.property(bounded, rate, rate, (s, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const { threshold, guaranteed } = thresholdAt(s, low, 3)
        expect(thresholdAt(s, high, 3).threshold).toBeLessThanOrEqual(threshold + 1e-6)
        if (guaranteed) expect(threshold).toBe(thresholdAt(s, low).threshold)
        else expect(threshold).toBeLessThan(3)
        if (!guaranteed) expect(s.filter((v) => v > threshold + 1e-6)).toEqual([])
      }),
    )
  })

  it('from six scores hold for scores whose distance from the bound falls exponentially', () => {
    const random = Random.seeded(4)
    // 3 − s = e^−u with u beyond 1 exponential, as where a likelihood falls
    const next = () => 3 - Math.exp(Math.log(random.next()) / 2 - 1)
    let [above, unbounded, reached] = [0, 0, 0]
    const trials = 4000
    for (let i = 0; i < trials; i++) {
      const held = Array.from({ length: 6 }, next)
      const score = next()
      if (score > thresholdAt(held, 0.05, 3).threshold) above++
      if (score > thresholdAt(held, 0.05).threshold) unbounded++
      if (thresholdAt(held, 0.05).threshold >= 3) reached++
    }
    expect(above / trials).toBeGreaterThan(0.02)
    expect(above / trials).toBeLessThan(0.09)
    // what is continued beyond the bound can never be exceeded
    expect(reached / trials).toBeGreaterThan(0.1)
    expect(unbounded).toBeLessThan(above)
  })

  it('refuse what is no rate, and no scores', () => {
    expect(() => thresholdAt([1], 0)).toThrow(/between 0 and 1/)
    expect(() => thresholdAt([], 0.1)).toThrow(/no held-out scores/)
  })

  it('p-values count the held-out scores at least as high', () => {
    expect(pValue([1, 2, 3, 4], 3)).toBeCloseTo(3 / 5)
    expect(pValue([1, 2, 3, 4], 9)).toBeCloseTo(1 / 5)
  })
})
