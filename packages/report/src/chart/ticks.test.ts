import fc from 'fast-check'
import { expect, it } from 'vitest'
import { linearTicks, logTicks, tickLabels } from './scale.js'

it('puts linear ticks on round numbers', () => {
  expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(linearTicks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3])
  expect(linearTicks(-7, 12, 4)).toEqual([-5, 0, 5, 10])
})

it('keeps linear ticks inside, ascending and few, whatever the range', () => {
  const range = fc.tuple(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
    fc.integer({ min: 2, max: 10 }),
  )
  fc.assert(
    fc.property(range, ([low, span, most]) => {
      const ticks = linearTicks(low, low + span, most)
      expect(ticks.length).toBeLessThanOrEqual(most + 1)
      const room = span * 1e-6
      for (const tick of ticks) {
        expect(tick).toBeGreaterThanOrEqual(low - room)
        expect(tick).toBeLessThanOrEqual(low + span + room)
      }
      expect(ticks.toSorted((a, b) => a - b)).toEqual(ticks)
      expect(new Set(tickLabels(ticks)).size).toBe(ticks.length)
    }),
  )
})

it('puts logarithmic ticks on 1, 2 and 5 within few decades and on powers of ten within many', () => {
  expect(logTicks(1.5, 60, 6)).toEqual([2, 5, 10, 20, 50])
  expect(logTicks(0.5, 2e6, 8)).toEqual([1, 10, 100, 1e3, 1e4, 1e5, 1e6])
  expect(logTicks(1, 1e18, 5).length).toBeLessThanOrEqual(6)
  expect(logTicks(4.1, 4.4, 4).length).toBeGreaterThan(1)
})

it('labels ticks with the decimals they need and a true minus', () => {
  expect(tickLabels([-0.5, 0, 0.5])).toEqual(['−0.5', '0.0', '0.5'])
  expect(tickLabels([0, 2000, 4000])).toEqual(['0', '2,000', '4,000'])
  expect(tickLabels([1e3, 1e6, 1e9])).toEqual(['1e3', '1e6', '1e9'])
})
