import { expect, it } from 'vitest'
import { toyManifest } from '@cflow/core/testing'
import { outcomeOf, ownEvidence, tally, wilson } from './outcome.js'

const of = (label: 'good' | 'anomalous' | 'unknown', score: number) => ({
  id: 'x',
  defect: label,
  label,
  score,
  threshold: 1,
  anomalous: score > 1,
  pValue: 0.5,
})

it('compares what an image is called with its label', () => {
  expect(outcomeOf(of('good', 1))).toBe('right')
  expect(outcomeOf(of('good', 1.1))).toBe('false alarm')
  expect(outcomeOf(of('anomalous', 1))).toBe('missed')
  expect(outcomeOf(of('anomalous', 1.1))).toBe('right')
  expect(outcomeOf(of('unknown', 1.1))).toBe('not known')
  expect(tally([of('good', 0), of('good', 2), of('unknown', 3)], 'good')).toEqual({
    images: 2,
    called: 1,
  })
  expect(tally([of('good', 0)], 'good', 'dent').images).toBe(0)
})

it('gives the interval of a rate', () => {
  const [low, high] = wilson(1, 20) // known: 0.0089, 0.2361
  expect(low).toBeCloseTo(0.0089, 4)
  expect(high).toBeCloseTo(0.2361, 4)
  expect(wilson(0, 10)[0]).toBe(0)
  expect(wilson(10, 10)[1]).toBeCloseTo(1)
  expect(wilson(0, 0)[0]).toBeNaN()
})

it('knows the images that set a threshold by their scores', () => {
  const stored = toyManifest.calibration.scores
  const own = stored.map((score) => of('good', score * (1 + 1e-8)))
  const others = stored.map((score) => of('good', score + 0.1))
  expect(ownEvidence([...others, ...own], toyManifest)).toBe(stored.length)
  expect(ownEvidence(own.slice(0, 25), toyManifest)).toBe(25)
  expect(ownEvidence([...others, ...own.slice(0, 10)], toyManifest)).toBe(0)
  expect(
    ownEvidence(
      own.map((s) => ({ ...s, label: 'anomalous' })),
      toyManifest,
    ),
  ).toBe(0)
  const folds = { ...toyManifest, calibration: { ...toyManifest.calibration, source: 'folds' as const } } // prettier-ignore
  expect(ownEvidence(own, folds)).toBe(0)
})
