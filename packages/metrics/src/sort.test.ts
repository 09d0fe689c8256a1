import fc from 'fast-check'
import { expect, it } from 'vitest'
import { argsort, sortScores } from './sort.js'

const numbers = [
  fc.float32Array({ noNaN: true, maxLength: 300 }),
  fc.float64Array({ noNaN: true, maxLength: 300 }),
]

it('sorts float32 and float64 as the engine does, −0 before +0', () => {
  fc.assert(
    fc.property(fc.oneof(...numbers), (scores) => {
      const expected = scores.slice().sort()
      const order = argsort(scores)
      expect(Array.from(order, (i) => scores[i])).toEqual([...expected])
      expect(new Set(order).size).toBe(scores.length)
      expect(sortScores(scores.slice())).toEqual(expected)
    }),
  )
})

it('keeps the order of equal scores and reads subarrays', () => {
  const scores = Float64Array.of(9, 2, 1, 2, 1, -3).subarray(1)
  expect([...argsort(scores)]).toEqual([4, 1, 3, 0, 2])
  expect([...argsort(Float32Array.of(9, 2, 1, 2, 1, -3).subarray(1))]).toEqual([4, 1, 3, 0, 2])
})
