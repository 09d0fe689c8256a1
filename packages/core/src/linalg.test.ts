import { Random } from '@cflow/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cholesky, haarRotation, invertLower, product, transposed } from './linalg.js'

const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer())

it('L·Lᵀ is the matrix and L⁻¹·L the identity', () => {
  fc.assert(
    fc.property(sizes, ([n, seed]) => {
      const random = Random.seeded(seed)
      const b = Float64Array.from({ length: n * n }, () => random.normal())
      const a = product(b, transposed(b, n, n), n, n, n)
      for (let i = 0; i < n; i++) a[i * n + i]! += 0.1
      const l = cholesky(a, n)
      const back = product(l, transposed(l, n, n), n, n, n)
      back.forEach((v, i) => expect(v).toBeCloseTo(a[i]!, 9))
      const id = product(invertLower(l, n), l, n, n, n)
      id.forEach((v, i) => expect(v).toBeCloseTo(i % (n + 1) === 0 ? 1 : 0, 8))
    }),
  )
})

it('refuses a matrix that is not positive definite', () => {
  expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow(/positive definite/)
})

it('draws rotations: orthonormal, determinant 1, spread over the sphere', () => {
  fc.assert(
    fc.property(sizes, ([n, seed]) => {
      const q = haarRotation(n, Random.seeded(seed))
      product(q, transposed(q, n, n), n, n, n).forEach((v, i) =>
        expect(v).toBeCloseTo(i % (n + 1) === 0 ? 1 : 0, 10),
      )
      expect(determinant(q, n)).toBeCloseTo(1, 8)
    }),
  )
  const random = Random.seeded(3)
  let sum = 0
  let squares = 0
  for (let i = 0; i < 4000; i++) {
    const v = haarRotation(3, random)[4]!
    sum += v
    squares += v * v
  }
  expect(Math.abs(sum / 4000)).toBeLessThan(0.04)
  expect(squares / 4000).toBeCloseTo(1 / 3, 1)
})

function determinant(a: Float64Array, n: number): number {
  if (n === 1) return a[0]!
  let sum = 0
  const m = new Float64Array((n - 1) * (n - 1))
  if (n > 6) {
    // elimination without pivoting would do for rotations; expand small ones exactly
    const b = a.slice()
    let det = 1
    for (let k = 0; k < n; k++) {
      let p = k
      for (let i = k; i < n; i++) if (Math.abs(b[i * n + k]!) > Math.abs(b[p * n + k]!)) p = i
      if (p !== k) {
        det = -det
        for (let j = 0; j < n; j++) [b[p * n + j], b[k * n + j]] = [b[k * n + j]!, b[p * n + j]!]
      }
      det *= b[k * n + k]!
      for (let i = k + 1; i < n; i++) {
        const f = b[i * n + k]! / b[k * n + k]!
        for (let j = k; j < n; j++) b[i * n + j]! -= f * b[k * n + j]!
      }
    }
    return det
  }
  for (let c = 0; c < n; c++) {
    for (let i = 1; i < n; i++)
      for (let j = 0, at = 0; j < n; j++) if (j !== c) m[(i - 1) * (n - 1) + at++] = a[i * n + j]!
    sum += (c % 2 === 0 ? 1 : -1) * a[c]! * determinant(m, n - 1)
  }
  return sum
}
