import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Random } from './random.js'

it('goes on from a saved state with the same numbers', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(20), (seed, skip) => {
      const a = Random.seeded(seed, 'x')
      for (let i = 0; i < skip; i++) a.normal()
      const b = Random.fromState(JSON.parse(JSON.stringify(a.state())))
      for (let i = 0; i < 5; i++) expect(b.normal()).toBe(a.normal())
    }),
  )
})

it('gives different streams for different seeds and names', () => {
  const firsts = new Set(
    [1, 2, 3, 2 ** 40].flatMap((s) => ['', 'a', 'b'].map((n) => Random.seeded(s, n).next())),
  )
  expect(firsts.size).toBe(12)
})

it('is uniform and normal to sampling error', () => {
  const r = Random.seeded(7)
  const n = 100_000
  let u = 0
  let z = 0
  let zz = 0
  for (let i = 0; i < n; i++) {
    u += r.next()
    const x = r.normal()
    z += x
    zz += x * x
  }
  expect(Math.abs(u / n - 0.5)).toBeLessThan(0.005)
  expect(Math.abs(z / n)).toBeLessThan(0.02)
  expect(Math.abs(zz / n - 1)).toBeLessThan(0.03)
})

it('permutes: every number once', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(50), (seed, n) => {
      const sorted = [...Random.seeded(seed).permutation(n)].sort((a, b) => a - b)
      expect(sorted).toEqual(Array.from({ length: n }, (_, i) => i))
    }),
  )
})
