import { expect, it } from 'vitest'
import { chi, gaussian, logGamma, sampled } from './gaussian.js'
import { binned } from './draw.js'

it('knows the gamma function of whole and half numbers', () => {
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 9)
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 9)
  expect(logGamma(96)).toBeCloseTo(logGamma(95) + Math.log(95), 8)
})

it.each([1, 2, 112, 192])('has densities of area 1 in %i dimensions', (depth) => {
  const area = (values: readonly number[], high: number, low = 0) =>
    values.reduce((a, b) => a + b, 0) * ((high - low) / values.length)
  expect(
    area(
      sampled((r) => chi(r, depth), 0, 40, 4000),
      40,
    ),
  ).toBeCloseTo(1, 4)
  expect(area(sampled(gaussian, -8, 8, 1000), 8, -8)).toBeCloseTo(1, 6)
})

it('bins values as a density, those beyond left out of the area', () => {
  expect(binned([0.1, 0.2, 0.6, 7], 0, 1, 2)).toEqual([1, 0.5])
})
