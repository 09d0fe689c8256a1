import type { Detection } from '@cflow/detector'
import { expect, it } from 'vitest'
import type { Item } from './item.js'
import { arranged, positionOf, rateOf, scaleThreshold, summaryOf } from './judge.js'

const item = (score: number | undefined, truth?: string): Item => ({
  id: 0,
  name: '',
  url: '',
  blob: new Blob(),
  ...(truth && { truth }),
  ...(score !== undefined && { detection: { score } as Detection }),
})

it('counts against the truth where it is known, and what waits', () => {
  expect(summaryOf([item(9), item(1), item(undefined)], 5)).toBe('2 images, 1 anomalous, 1 waiting')
  expect(summaryOf([item(9, 'dent'), item(1, 'dent'), item(7, 'good'), item(1, 'good')], 5)).toBe(
    '4 images, 2 anomalous: found 1 of 2 defects, 1 false alarm',
  )
  const failed = { ...item(undefined), failure: { title: 'Out of memory', text: '' } }
  expect(summaryOf([item(1), failed, item(undefined)], 5)).toBe(
    '1 image, 0 anomalous, 1 without a verdict, 1 waiting',
  )
  expect(summaryOf([], 5)).toBe('0 images, 0 anomalous')
})

it('the slider covers 0.5 % to 50 %, and every rate it gives leads back to its place', () => {
  expect([rateOf(0), rateOf(50), rateOf(100)]).toEqual([0.005, 0.05, 0.5])
  // two digits of a rate: a place beside it at most
  for (let p = 0; p <= 100; p++) expect(Math.abs(positionOf(rateOf(p)) - p)).toBeLessThanOrEqual(1)
})

it('images are put in order by their scores, those without one last, and filtered', () => {
  const items = [item(2), item(undefined), item(9), item(5)]
  const scores = (sort: 'given' | 'highest' | 'lowest', filter: 'all' | 'anomalous' | 'good') =>
    arranged(items, { sort, filter }, 4).map((i) => i.detection?.score)
  expect(scores('given', 'all')).toEqual([2, undefined, 9, 5])
  expect(scores('highest', 'all')).toEqual([9, 5, 2, undefined])
  expect(scores('lowest', 'all')).toEqual([2, 5, 9, undefined])
  expect(scores('lowest', 'anomalous')).toEqual([5, 9])
  expect(scores('given', 'good')).toEqual([2])
})

it('the threshold of one scale alone: all scales at theirs make the threshold of all', () => {
  const scales = [
    { depth: 16, mean: -1, deviation: 0.5, max: 0 },
    { depth: 32, mean: -2, deviation: 0.25, max: -1 },
  ]
  for (const aggregation of ['joint', 'perDimension', 'standardised', 'calibrated'] as const) {
    const [a, b] = [0, 1].map((k) => scaleThreshold({ aggregation, scales }, 90, k))
    expect(a! + b!).toBeCloseTo(90)
  }
  // joint: 16 and 64 at the mean of good images, and half of what is left each
  expect(scaleThreshold({ aggregation: 'joint', scales }, 90, 0)).toBeCloseTo(16 + 5)
  expect(scaleThreshold({ aggregation: 'softMinimum', scales }, 7, 1)).toBe(7)
})
