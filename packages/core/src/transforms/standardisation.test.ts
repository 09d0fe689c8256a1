import { Random } from '@cflow/base'
import { expect, it } from 'vitest'
import { spreadOf } from './standardisation.js'

const vectors = (count: number): Float32Array => {
  const random = Random.seeded(3)
  return Float32Array.from({ length: 2 * count }, (_, i) =>
    i % 2 === 0 ? 2 + 0.5 * random.normal() : -1 + 3 * random.normal(),
  )
}

it('is the Gaussian of many vectors, however they come', () => {
  const all = vectors(20_000)
  const parts = [all.subarray(0, 8), all.subarray(8, 30_000), all.subarray(30_000)]
  const { mean, deviation } = spreadOf(parts, 2, 1)
  expect(mean[0]).toBeCloseTo(2, 1)
  expect(mean[1]).toBeCloseTo(-1, 1)
  expect(deviation[0]).toBeCloseTo(0.5, 1)
  expect(deviation[1]).toBeCloseTo(3, 1)
  expect(spreadOf([all], 2, 1)).toEqual({ mean, deviation })
})

it('stays with the standard Gaussian where there is little to go by', () => {
  expect(spreadOf([], 2, 10)).toEqual({
    mean: Float32Array.of(0, 0),
    deviation: Float32Array.of(1, 1),
  })
  const { mean, deviation } = spreadOf([vectors(10)], 2, 1000)
  mean.forEach((m) => expect(Math.abs(m)).toBeLessThan(0.05))
  deviation.forEach((s) => expect(Math.abs(s - 1)).toBeLessThan(0.1))
})
