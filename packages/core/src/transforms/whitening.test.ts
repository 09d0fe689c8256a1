import { Random } from '@cflow/base'
import { expect, it } from 'vitest'
import { featureSums, whiteningFrom } from './whitening.js'

/** Correlated features with a mean of their own at each position. */
function sample(images: number, positions: number, d: number) {
  const random = Random.seeded(4)
  const mix = Float64Array.from({ length: d * d }, () => random.normal())
  const means = Float64Array.from({ length: positions * d }, () => 5 * random.normal())
  const rows: Float64Array[] = []
  for (let n = 0; n < images * positions; n++) {
    const e = Float64Array.from({ length: d }, () => random.normal())
    const p = n % positions
    rows.push(
      Float64Array.from({ length: d }, (_, i) =>
        e.reduce((s, v, k) => s + mix[i * d + k]! * v, means[p * d + i]!),
      ),
    )
  }
  return rows
}

it('makes the residuals white, and counts its volume', () => {
  const [images, positions, d] = [400, 3, 4]
  const rows = sample(images, positions, d)
  const shift = Float32Array.from(rows.slice(0, positions).flatMap((r) => [...r]))
  const sums = featureSums(d, positions, shift)
  sums.images = images
  rows.forEach((row, n) => {
    const z = row.map((v, i) => v - shift[(n % positions) * d + i]!)
    for (let i = 0; i < d; i++) {
      sums.sum[(n % positions) * d + i]! += z[i]!
      for (let j = 0; j < d; j++) sums.product[i * d + j]! += z[i]! * z[j]!
    }
  })
  const w = whiteningFrom(sums, 1e-6)
  const covariance = new Float64Array(d * d)
  rows.forEach((z, n) => {
    const r = z.map((v, i) => v - w.mean[(n % positions) * d + i]!)
    const u = r.map((_, i) => r.reduce((s, v, k) => s + w.matrix[i * d + k]! * v, 0))
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j]! += u[i]! * u[j]!
  })
  covariance.forEach((v, i) =>
    expect(v / (positions * (images - 1))).toBeCloseTo(i % (d + 1) === 0 ? 1 : 0, 3),
  )
  const diagonal = Array.from({ length: d }, (_, i) => Math.log(w.matrix[i * (d + 1)]!))
  expect(w.logDeterminant).toBeCloseTo(
    diagonal.reduce((a, b) => a + b, 0),
    5,
  )
})

it('refuses too few images, and images that are all the same', () => {
  const sums = featureSums(2, 1)
  sums.images = 1
  expect(() => whiteningFrom(sums, 0.01)).toThrow(/two images/)
  sums.images = 3
  expect(() => whiteningFrom(sums, 0.01)).toThrow(/do not vary/)
})
