import { CflowError, Random } from '@cflow/base'
import { cholesky, invertLower } from '@cflow/core'

/** PaDiM's regularisation: what is added to every variance. */
export const padimRegularisation = 0.01

/**
 * PaDiM's number of channels by encoder (Defard et al. 2021, section IV): 100 for ResNet-18 and the smaller encoders, 550
 * for the wide ones; never more than there are.
 */
export function defaultChannels(encoder: string, depth: number): number {
  return Math.min(/resnet(50|101|152)/.test(encoder) ? 550 : 100, depth)
}

/** The fixed random subset of channels, ascending. @throws CflowError USAGE when there are not so many */
export function randomChannels(depth: number, count: number, seed: number): readonly number[] {
  if (count > depth)
    throw new CflowError('USAGE', `the taps have ${depth} channels, ${count} are asked for`, {
      subject: 'channels',
      hint: `use ${depth} or fewer`,
    })
  const order = Random.seeded(seed, 'padim channels').permutation(depth)
  return Array.from(order.subarray(0, count)).sort((a, b) => a - b)
}

/** Bytes of the matrices in a detector file. */
export const padimBytes = (positions: number, depth: number): number =>
  4 * positions * depth * (depth + 1)

/** Sums from which the Gaussian of every position is estimated: their size does not depend on the number of images. */
export interface PadimSums {
  readonly positions: number
  readonly depth: number
  images: number
  /** The first image's features, subtracted from all: keeps the sums well conditioned. [positions, depth] */
  shift: Float32Array
  /** [positions, depth] */
  readonly sum: Float64Array
  /** Lower triangles of Σ z·zᵀ, row by row, [positions, depth·(depth + 1)/2] */
  readonly products: Float64Array
}

export function padimSums(positions: number, depth: number): PadimSums {
  return {
    positions,
    depth,
    images: 0,
    shift: new Float32Array(0),
    sum: new Float64Array(positions * depth),
    products: new Float64Array((positions * depth * (depth + 1)) / 2),
  }
}

/** Account for one image. @param rows its features, [positions, depth] */
export function addToPadim(sums: PadimSums, rows: Float32Array): void {
  const { positions, depth: d, sum, products } = sums
  if (sums.images++ === 0) sums.shift = rows.slice()
  const z = new Float64Array(d)
  let at = 0
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < d; i++) {
      const v = rows[p * d + i]! - sums.shift[p * d + i]!
      z[i] = v
      sum[p * d + i]! += v
    }
    for (let i = 0; i < d; i++) {
      const v = z[i]!
      for (let j = 0; j <= i; j++) products[at++]! += v * z[j]!
    }
  }
}

/** A Gaussian at every position. */
export interface PadimModel {
  readonly positions: number
  readonly depth: number
  /** μ, [positions, depth] */
  readonly mean: Float32Array
  /** (L⁻¹)ᵀ where LLᵀ is the regularised covariance, [positions, depth, depth], upper triangular */
  readonly factor: Float32Array
}

/**
 * The Gaussians from sums: covariance with n − 1, plus the regularisation on its diagonal, factored (Cholesky).
 * @param onPosition called now and then with the number of positions done; may throw to stop
 * @throws CflowError TOO_FEW_IMAGES with fewer than two images
 */
export function padimFrom(
  sums: PadimSums,
  regularisation = padimRegularisation,
  onPosition: (done: number) => void = () => undefined,
): PadimModel {
  const { positions, depth: d, images, sum, products, shift } = sums
  if (images < 2) throw new CflowError('TOO_FEW_IMAGES', 'a covariance needs at least two images')
  const mean = new Float32Array(positions * d)
  const factor = new Float32Array(positions * d * d)
  const covariance = new Float64Array(d * d)
  let at = 0
  for (let p = 0; p < positions; p++) {
    const s = sum.subarray(p * d, (p + 1) * d)
    for (let i = 0; i < d; i++) {
      mean[p * d + i] = shift[p * d + i]! + s[i]! / images
      for (let j = 0; j <= i; j++)
        covariance[i * d + j] = (products[at++]! - (s[i]! * s[j]!) / images) / (images - 1)
      covariance[i * d + i]! += regularisation
    }
    const inverse = invertLower(cholesky(covariance, d), d)
    const into = p * d * d
    for (let i = 0; i < d; i++)
      for (let j = 0; j <= i; j++) factor[into + j * d + i] = inverse[i * d + j]!
    if (p % 16 === 15) onPosition(p + 1)
  }
  onPosition(positions)
  return { positions, depth: d, mean, factor }
}
