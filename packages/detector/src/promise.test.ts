import { rateLimit, type Manifest } from '@cflow/core'
import { toyManifest } from '@cflow/core/testing'
import { describe, expect, it } from 'vitest'
import { explain, thresholdFor, type Detection } from './detection.js'
import { knownDefectsOf, promiseOf } from './promise.js'

const manifest = (
  calibration: Partial<Manifest['calibration']>,
  more: Partial<Manifest> = {},
): Manifest => ({ ...toyManifest, ...more, calibration: { ...toyManifest.calibration, ...calibration } }) // prettier-ignore
const scores = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('a promise', () => {
  it('of held-out images holds on average, and says what this very detector’s rate is at most', () => {
    const { kind, limit, nearest, text, brief } = promiseOf(manifest({ scores: scores(43) }))
    expect([kind, nearest]).toEqual(['average', undefined])
    // ⌈44·0.95⌉ = 42: one of 43 lies above
    expect(limit).toBeCloseTo(rateLimit(43, 1), 12)
    expect(text).toContain('on average over calibrations')
    expect(text).toContain('43 good images kept out of training')
    expect(brief).toBe('false alarms on at most 5 % of good images, on average')
  })

  it('may be of this very detector, and then asks for more images', () => {
    const sure = { confidence: 0.95, guaranteed: true }
    const kept = promiseOf(manifest({ scores: scores(60), ...sure }))
    expect(kept).toMatchObject({ kind: 'confidence', images: 60 })
    expect(kept.text).toMatch(/^With 95 % confidence this very detector/)
    expect(kept.limit).toBeLessThanOrEqual(0.05)
    const few = promiseOf(manifest({ scores: scores(43), ...sure, guaranteed: false }))
    expect(few.kind).toBe('none')
    expect(few.nearest).toBeCloseTo(1 - 0.05 ** (1 / 43), 9)
  })

  it('of too few images is none, and the nearest one that they can keep is named and kept', () => {
    for (let n = 1; n <= 18; n++) {
      const few = manifest({ scores: scores(n), guaranteed: false })
      const { kind, nearest, text } = promiseOf(few)
      expect(kind).toBe('none')
      expect(nearest).toBeCloseTo(1 / (n + 1), 12)
      expect(text).toContain('too few')
      // as it is printed, rounded up to a tenth of a per cent
      const asked = Math.ceil(1000 * (nearest ?? 0) - 1e-9) / 1000
      expect(promiseOf(few, asked)).toMatchObject({ kind: 'average', rate: asked })
      expect(thresholdFor(few, asked).guaranteed).toBe(true)
    }
  })

  it('of folds is what was aimed at, of training images nothing', () => {
    const folds = promiseOf(manifest({ source: 'folds', folds: 5, scores: scores(30), guaranteed: false })) // prettier-ignore
    expect(folds).toMatchObject({ kind: 'none', images: 30, limit: rateLimit(30, 0) })
    expect(folds.text).toContain('each of 30 good images was judged by a training without it')
    // 2·0.05 + min(2·0.8/7, (1 − 1/6)/6)
    expect(folds.text).toContain('at most 23.9 % on average')
    const training = promiseOf(manifest({ source: 'training', guaranteed: false }))
    expect(training.kind).toBe('none')
    expect(training).not.toHaveProperty('limit')
    expect(training.text).toMatch(/^Nothing is promised/)
  })

  it('is none for frames of videos, whatever the rate, also in files that do not say that they are', () => {
    for (const said of [{ independent: false }, {}]) {
      const videos = manifest({ scores: scores(80), guaranteed: false, ...said })
      for (const rate of [undefined, 0.1, 0.3]) {
        expect(promiseOf(videos, rate)).not.toHaveProperty('limit')
        expect(promiseOf(videos, rate).text).toContain('depend on one another')
        expect(thresholdFor(videos, rate).guaranteed).toBe(false)
      }
    }
  })

  it('is what a detection says of its threshold', () => {
    const rated = { score: 3, ...thresholdFor(manifest({}), 0.2), anomalous: false }
    const text = explain({ ...rated, contributions: [] } as unknown as Detection, manifest({}))
    expect(text).toContain(promiseOf(manifest({}), 0.2).brief)
  })
})

it('a stored threshold that no score can reach is refused, and a rate helps', () => {
  const earlier = manifest({ threshold: 2.07, scores: [1.2, 1.5, 1.7] }, { aggregation: 'calibrated' }) // prettier-ignore
  expect(() => thresholdFor(earlier, undefined)).toThrow(
    expect.objectContaining({ code: 'MODEL', hint: expect.stringContaining('rate') as string }),
  )
  expect(thresholdFor(earlier, 0.05).threshold).toBeLessThan(2)
  expect(() => thresholdFor(manifest({ threshold: NaN }), undefined)).toThrow(/is no number/)
})

describe('known defects', () => {
  const known = (defects: number[], threshold: number, conformal = threshold) =>
    knownDefectsOf(manifest({ scores: scores(20), threshold, knownDefects: { scores: defects, conformal } })) // prettier-ignore

  it('are counted, and the rate that finds all of them finds them', () => {
    expect(knownDefectsOf(manifest({}))).toBeUndefined()
    expect(known([25, 30], 22, 19)).toMatchObject({ images: 2, found: 2, moved: true })
    const missed = known([16.5, 30], 19)
    expect(missed).toMatchObject({ images: 2, found: 1, moved: false })
    // 17, 18 and 19 lie above
    expect(missed?.rateForAll).toBeCloseTo(4 / 21, 12)
    const { threshold } = thresholdFor(manifest({ scores: scores(20) }), missed?.rateForAll)
    expect(threshold).toBe(16)
    expect(known([-1], 19)?.text).toBe('Misses the one known defect. No rate finds all: some score like good images.') // prettier-ignore
  })
})
