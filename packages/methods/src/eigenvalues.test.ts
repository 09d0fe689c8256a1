import { Random } from '@cflow/base'
import { haarRotation, product, transposed } from '@cflow/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { componentsFor, eigenvalues } from './eigenvalues.js'

it('finds the values that a matrix was made from', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), fc.boolean(), (n, seed, repeated) => {
      const random = Random.seeded(seed)
      const values = Float64Array.from({ length: n }, () =>
        repeated ? random.integer(3) : random.normal() * 10 ** random.integer(4),
      )
        .sort()
        .reverse()
      const q = haarRotation(n, random)
      const scaled = q.map((v, i) => v * values[i % n]!)
      const matrix = product(scaled, transposed(q, n, n), n, n, n)
      const got = eigenvalues(matrix, n)
      const size = Math.max(...values.map(Math.abs), 1)
      values.forEach((v, i) => expect(Math.abs(got[i]! - v)).toBeLessThan(1e-10 * size))
    }),
  )
})

it('takes matrices that are diagonal or zero already', () => {
  expect(Array.from(eigenvalues(new Float64Array(9), 3))).toEqual([0, 0, 0])
  expect(Array.from(eigenvalues(Float64Array.of(1, 0, 0, 3), 2))).toEqual([3, 1])
  expect(Array.from(eigenvalues(Float64Array.of(5), 1))).toEqual([5])
})

it('counts the components that hold a share of the variance', () => {
  const values = Float64Array.of(6, 3, 1)
  expect(componentsFor(values, 0.5)).toBe(1)
  expect(componentsFor(values, 0.9)).toBe(2)
  expect(componentsFor(values, 1)).toBe(3)
})
