import { expect, it } from 'vitest'
import { bytes, count, duration, number, percent, shorten } from './format.js'

it('shows what is not a number as a dash', () => {
  expect([percent(NaN), number(NaN), number(Infinity), duration(NaN)]).toEqual(Array(4).fill('–'))
})

it('shows numbers with the digits that matter', () => {
  expect([0, 0.01234, 9.876, 1234.5, -42, 1e12].map((n) => number(n))).toEqual([
    '0',
    '0.0123',
    '9.88',
    '1,235',
    '−42.0',
    '1.00e+12',
  ])
  expect(percent(0.98765, 2)).toBe('98.77\u00a0%')
})

it('shows sizes, durations and counts in their units', () => {
  expect([999, 18_400_000, 2.5e9].map(bytes)).toEqual(['999 bytes', '18.4 MB', '2.50 GB'])
  expect([0.42, 12.34, 59.97, 187.5, 7620].map(duration)).toEqual([
    '0.42 s',
    '12.3 s',
    '1 min 00 s',
    '3 min 08 s',
    '2 h 07 min',
  ])
  expect([count(1, 'image'), count(1200, 'pass', 'passes')]).toEqual(['1 image', '1,200 passes'])
})

it('shortens by characters, not by halves of them', () => {
  expect(shorten('😀😀😀😀', 3)).toBe('😀😀…')
  expect(shorten('abc', 3)).toBe('abc')
})
