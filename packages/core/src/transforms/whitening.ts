import { CflowError, floats, type Tensor } from '@cflow/base'
import { add, constant, constantOf, gather, gemm, neg, reshape, scalar, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { cholesky, invertLower } from '../linalg.js'
import { logDeterminantName } from './transform.js'
import type { FloatType, Mapped, Parameters, Rows, Transform, Values } from './transform.js'

/**
 * The bijection that a `whitened` flow begins with: z ↦ L⁻¹(z − μ(h, w)), μ the mean feature vector at each position and
 * LLᵀ the covariance of the residuals. By section 3.2 its log-likelihood is the Mahalanobis solution.
 * Parameters, all fixed: `mean` μ [positions, D], `matrix` L⁻¹ [D, D], `log_determinant` [].
 */
export function whitening(depth: number): Transform {
  const volume = (values: Values, { dtype }: Value): Value =>
    scalar(Number(constantOf(values(logDeterminantName), 'a log-determinant').data[0]), dtype)
  /** ±μ of every row's position. */
  const moved = (x: Value, values: Values, { positions }: Rows, by: typeof add): Value => {
    const mean = values('mean')
    if (positions) return by(x, gather(mean, positions, 0))
    const grouped = reshape(x, [-1, mean.shape[0] as number, depth])
    return reshape(by(grouped, mean), [-1, depth])
  }
  const whitened = (x: Value, matrix: string, values: Values, rows: Rows): Value =>
    gemm(moved(x, values, rows, sub), values(matrix), { transB: true })
  const coloured = (y: Value, matrix: string, values: Values, rows: Rows): Value => {
    const inverse = Float64Array.from(
      constantOf(values(matrix), 'a whitening').data as Float32Array,
    )
    const l = constant(floats(y.dtype as FloatType, [depth, depth], invertLower(inverse, depth)))
    return moved(gemm(y, l, { transB: true }), values, rows, add)
  }
  const nothing = { depth, shapes: [], initial: () => new Map<string, Tensor>() }
  return {
    ...nothing,
    forward: (x, values, rows): Mapped => ({
      value: whitened(x, 'matrix', values, rows),
      logDeterminant: volume(values, x),
    }),
    inverse: (y, values, rows): Mapped => ({
      value: coloured(y, 'matrix', values, rows),
      logDeterminant: neg(volume(values, y)),
    }),
    fold: {
      transform: () => ({
        ...nothing,
        forward: (x, values, rows) => ({ value: whitened(x, 'whitening', values, rows) }),
        inverse: (y, values, rows) => ({ value: coloured(y, 'whitening', values, rows) }),
      }),
      parameters: (own) =>
        new Map([...own].map(([name, t]) => [name === 'matrix' ? 'whitening' : name, t])),
    },
  }
}

/** A whitening's tensors, as `whitening` takes them. */
export const whiteningParameters = (w: Whitening): Parameters =>
  new Map<string, Tensor>([
    ['mean', floats('float32', [w.positions, w.depth], w.mean)],
    ['matrix', floats('float32', [w.depth, w.depth], w.matrix)],
    [logDeterminantName, floats('float64', [], [w.logDeterminant])],
  ])

/** What is estimated of the features for it. */
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
