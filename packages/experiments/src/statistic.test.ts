import fc from 'fast-check'
import { expect, it } from 'vitest'
import { average, statisticOf } from './statistic.js'
import { differenceText, durationText, numberText, percentText, table } from './markdown.js'

it('gives mean and sample deviation, leaving out what is not there', () => {
  expect(statisticOf([97, null, 99, undefined, NaN])).toEqual({
    mean: 98,
    deviation: Math.SQRT2,
    count: 2,
  })
  expect(statisticOf([97])).toEqual({ mean: 97, count: 1 })
  expect(statisticOf([null])).toBeUndefined()
})

it('has a deviation that shifting does not change and scaling scales', () => {
  const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 2, maxLength: 8 }) // prettier-ignore
  fc.assert(
    fc.property(values, fc.double({ min: -50, max: 50, noNaN: true }), (list, shift) => {
      const a = statisticOf(list)!
      const b = statisticOf(list.map((v) => 2 * v + shift))!
      expect(b.mean).toBeCloseTo(2 * a.mean + shift, 8)
      expect(b.deviation).toBeCloseTo(2 * a.deviation!, 8)
    }),
  )
})

it('averages over what was measured', () => {
  expect(average([{ mean: 90, deviation: 1 }, undefined, { mean: 80 }])).toEqual({
    mean: 85,
    count: 2,
  })
})

it('writes figures as the paper does', () => {
  expect(percentText({ mean: 98.618, deviation: 0.014 })).toBe('98.62 ± 0.01')
  expect(percentText({ mean: 100 })).toBe('100.00')
  expect(percentText(undefined)).toBe('–')
  expect(differenceText({ mean: 98.5 }, { mean: 98.62 })).toBe('−0.12')
  expect(differenceText({ mean: 98.7 }, { mean: 98.62 })).toBe('+0.08')
  expect(differenceText({ mean: 98.6201 }, { mean: 98.62 })).toBe('0.00')
  expect(differenceText({ mean: 98.6199 }, { mean: 98.62 })).toBe('0.00')
  expect(differenceText(undefined, { mean: 1 })).toBe('–')
  expect([numberText(1234.5), numberText(12.345), numberText(0.01234), numberText(NaN)]).toEqual(['1,235', '12.3', '0.0123', '–']) // prettier-ignore
  expect([durationText(4.2), durationText(245), durationText(7620)]).toEqual(['4.2 s', '4 min 05 s', '2 h 07 min']) // prettier-ignore
})

it('keeps a table a table whatever its cells hold', () => {
  const lines = table(['name', 'value'], [['a|b', '1']]).split('\n')
  expect(lines[2]).toBe('| a\\|b |     1 |')
})
