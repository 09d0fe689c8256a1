import { expect, it } from 'vitest'
import { binned, chi, logGamma, sampled } from './density.js'

it('knows the gamma function of whole and half numbers', () => {
  expect(logGamma(5)).toBeCloseTo(Math.log(24), 9)
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 9)
  expect(logGamma(96)).toBeCloseTo(logGamma(95) + Math.log(95), 8)
})

it.each([1, 2, 112, 192])('has densities of area 1 in %i dimensions', (depth) => {
  const values = sampled((r) => chi(r, depth), 0, 40, 4000)
  expect(values.reduce((a, b) => a + b, 0) * (40 / values.length)).toBeCloseTo(1, 4)
})

it('bins values as a density, those beyond left out of the area', () => {
  expect(binned([0.1, 0.2, 0.6, 7], 0, 1, 2)).toEqual([1, 0.5])
})
