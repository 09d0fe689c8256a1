import { expect, it } from 'vitest'
import { linearScale, logScale, scoreScale } from './scale.js'

it('maps its ends to 0 and 1 and holds what lies outside', () => {
  for (const scale of [linearScale(2, 8), logScale(2, 8)])
    expect([2, 8, -1, 100].map((v) => scale.at(v))).toEqual([0, 1, 0, 1])
  expect(linearScale(2, 8).at(5)).toBeCloseTo(0.5)
  expect(logScale(2, 8).at(4)).toBeCloseTo(0.5)
})

it('makes a range of a single value', () => {
  expect(linearScale(3, 3).at(3)).toBeCloseTo(0.5)
  expect(linearScale(0, 0).at(0)).toBeCloseTo(0.5)
  expect(logScale(3, 3).at(3)).toBeCloseTo(0.5)
})

it('is logarithmic for scores only when a long tail squeezes the rest', () => {
  expect(scoreScale([1, 1.2, 1.3, 1.4, 2, 40]).kind).toBe('log')
  expect(scoreScale([1, 2, 3, 4, 5, 40]).kind).toBe('log')
  expect(scoreScale([1, 10, 20, 30, 40]).kind).toBe('linear')
  expect(scoreScale([-5, 1.2, 1.3, 1.4, 2, 400]).kind).toBe('linear')
})

it('takes no scores, or scores that are not finite', () => {
  expect(scoreScale([]).at(0.5)).toBeCloseTo(0.5)
  const scale = scoreScale([NaN, 1, 2, Infinity])
  expect(scale.low).toBeLessThan(1)
  expect(scale.high).toBeLessThan(3)
})
