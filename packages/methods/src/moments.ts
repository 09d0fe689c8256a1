import { CflowError } from '@cflow/base'

/** Sums over feature vectors, from which mean and covariance of the channels follow. */
export interface Moments {
  readonly depth: number
  /** Vectors seen. */
  count: number
  /** Subtracted from every vector before it was summed, [depth]: keeps the sums well conditioned. */
  readonly shift: Float32Array
  /** Σ z, [depth] */
  readonly sum: Float64Array
  /** Σ z·zᵀ, [depth, depth]; both triangles */
  readonly product: Float64Array
}

/** Nothing seen yet; the shift is the mean of some rows, [n, depth]. */
export function moments(depth: number, rows: Float32Array): Moments {
  const shift = new Float32Array(depth)
  const n = rows.length / depth
  for (let i = 0; i < rows.length; i++) shift[i % depth]! += rows[i]! / n
  return {
    depth,
    count: 0,
    shift,
    sum: new Float64Array(depth),
    product: new Float64Array(depth * depth),
  }
}

/** Mean and deviation of every channel. */
export interface Standardisation {
  readonly mean: Float32Array
  /** Positive. */
  readonly deviation: Float32Array
}

/** A channel that varies less than this share of the mean deviation is taken to vary so much. */
const leastDeviation = 1e-3

/**
 * Channel statistics and the correlation matrix, [depth, depth].
 * @throws CflowError SHAPE when the features hold no variance or no number
 */
export function standardise(m: Moments): Standardisation & { readonly correlation: Float64Array } {
  const { depth: d, count } = m
  const centre = m.sum.map((s) => s / count)
  const variance = centre.map((c, i) => Math.max(m.product[i * d + i]! / count - c * c, 0))
  const typical = Math.sqrt(variance.reduce((a, b) => a + b, 0) / d)
  if (!(typical > 0) || !Number.isFinite(typical))
    throw new CflowError('SHAPE', 'the features of the training images do not vary', {
      hint: 'are all images the same?',
    })
  const deviation = variance.map((v) => Math.max(Math.sqrt(v), leastDeviation * typical))
  const correlation = new Float64Array(d * d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++)
      correlation[i * d + j] =
        (m.product[i * d + j]! / count - centre[i]! * centre[j]!) / (deviation[i]! * deviation[j]!)
  return {
    mean: Float32Array.from(centre, (c, i) => m.shift[i]! + c),
    deviation: Float32Array.from(deviation),
    correlation,
  }
}
