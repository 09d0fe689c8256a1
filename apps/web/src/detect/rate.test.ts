import { expect, it } from 'vitest'
import { positionOf, rateOf } from './rate.js'

it('the slider covers 0.5 % to 50 %, and every rate it gives leads back to its place', () => {
  expect([rateOf(0), rateOf(50), rateOf(100)]).toEqual([0.005, 0.05, 0.5])
  // two digits of a rate: a place beside it at most
  for (let p = 0; p <= 100; p++) expect(Math.abs(positionOf(rateOf(p)) - p)).toBeLessThanOrEqual(1)
})
