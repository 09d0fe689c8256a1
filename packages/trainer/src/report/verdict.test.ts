import { expect, it } from 'vitest'
import { tally, verdictOf, wilson } from './verdict.js'

const of = (label: 'good' | 'anomalous' | 'unknown', score: number) => ({
  id: 'x',
  defect: label,
  label,
  score,
})

it('calls an image anomalous above the threshold, not at it', () => {
  expect(verdictOf(of('good', 1), 1)).toEqual({ called: 'good', outcome: 'right' })
  expect(verdictOf(of('good', 1.1), 1).outcome).toBe('false alarm')
  expect(verdictOf(of('anomalous', 1), 1).outcome).toBe('missed')
  expect(verdictOf(of('anomalous', 1.1), 1).outcome).toBe('right')
  expect(verdictOf(of('unknown', 1.1), 1)).toEqual({ called: 'anomalous', outcome: 'not known' })
  expect(tally([of('good', 0), of('good', 2)], 1)).toEqual({ images: 2, called: 1 })
})

it('gives the interval of a rate', () => {
  const [low, high] = wilson(1, 20) // known: 0.0089, 0.2361
  expect(low).toBeCloseTo(0.0089, 4)
  expect(high).toBeCloseTo(0.2361, 4)
  expect(wilson(0, 10)[0]).toBe(0)
  expect(wilson(10, 10)[1]).toBeCloseTo(1)
  expect(wilson(0, 0)[0]).toBeNaN()
})
