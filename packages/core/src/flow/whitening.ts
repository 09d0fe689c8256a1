import { CflowError } from '@cflow/base'
import { cholesky, invertLower } from '../linalg.js'

/**
 * The bijection a `whitened` flow begins with: z ↦ L⁻¹(z − μ(h, w)), μ the mean feature vector at each position and
 * LLᵀ the covariance of the residuals. By section 3.2 its log-likelihood is the Mahalanobis solution.
 */
export interface Whitening {
  readonly depth: number
  readonly positions: number
  /** μ, [positions, D] */
  readonly mean: Float32Array
  /** L⁻¹, [D, D], lower triangular */
  readonly matrix: Float32Array
  /** ln|det L⁻¹|, in nats */
  readonly logDeterminant: number
}

/** Sums from which a whitening is estimated in one pass; additive, so parts can be summed in any order. */
export interface FeatureSums {
  readonly depth: number
  readonly positions: number
  /** Images seen. */
  images: number
  /** What was subtracted from every feature before it was summed, [positions, D]: keeps the sums well conditioned. */
  readonly shift: Float32Array
  /** Σ z per position, [positions, D] */
  readonly sum: Float64Array
  /** Σ z·zᵀ over all positions and images, [D, D] (both triangles) */
  readonly product: Float64Array
}

export function featureSums(
  depth: number,
  positions: number,
  shift = new Float32Array(positions * depth),
): FeatureSums {
  return {
    depth,
    positions,
    images: 0,
    shift,
    sum: new Float64Array(positions * depth),
    product: new Float64Array(depth * depth),
  }
}

/**
 * Whitening from sums.
 * @param shrinkage share of the mean variance that is added to every dimension's: Σ + λ·(tr Σ/D)·I
 * @throws CflowError TOO_FEW_IMAGES with fewer than two images, SHAPE when the features hold no variance or no number
 */
export function whiteningFrom(sums: FeatureSums, shrinkage: number): Whitening {
  const { depth: d, positions, images } = sums
  if (images < 2) throw new CflowError('TOO_FEW_IMAGES', 'a covariance needs at least two images')
  const mean = new Float32Array(positions * d)
  const covariance = sums.product.slice()
  const mu = new Float64Array(d)
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < d; i++) {
      mu[i] = sums.sum[p * d + i]! / images
      mean[p * d + i] = sums.shift[p * d + i]! + mu[i]!
    }
    for (let i = 0; i < d; i++) {
      const f = images * mu[i]!
      for (let j = 0; j <= i; j++) covariance[i * d + j]! -= f * mu[j]!
    }
  }
  const count = positions * (images - 1)
  let trace = 0
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) covariance[i * d + j]! /= count
    trace += Math.max(covariance[i * d + i]!, 0)
  }
  const ridge = (shrinkage * trace) / d
  if (!(ridge > 0) || !Number.isFinite(ridge))
    throw new CflowError('SHAPE', 'the features of the training images do not vary', {
      hint: 'are all images the same?',
    })
  for (let i = 0; i < d; i++) covariance[i * d + i]! += ridge
  const inverse = invertLower(cholesky(covariance, d), d)
  let logDeterminant = 0
  for (let i = 0; i < d; i++) logDeterminant += Math.log(inverse[i * d + i]!)
  return { depth: d, positions, mean, matrix: Float32Array.from(inverse), logDeterminant }
}
