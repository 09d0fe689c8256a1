import { CflowError, Random } from '@cflow/base'
import { cholesky, invertLower } from '@cflow/core'

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
 * Sums from which the Gaussian of every position is estimated: their size does not depend on the number of images. The
 * first image's features are subtracted from all, which keeps the sums well conditioned.
 */
export function padimSums(positions: number, d: number) {
  let images = 0
  let shift = new Float32Array(0)
  const sum = new Float64Array(positions * d)
  /** Lower triangles of Σ z·zᵀ, row by row, [positions, d·(d + 1)/2] */
  const products = new Float64Array((positions * d * (d + 1)) / 2)
  return {
    /** Account for one image. @param rows its features, [positions, depth] */
    add(rows: Float32Array): void {
      if (images === 0) shift = Float32Array.from(rows)
      const z = new Float64Array(d)
      let at = 0
      for (let p = 0; p < positions; p++) {
        for (let i = 0; i < d; i++) {
          const v = rows[p * d + i]! - shift[p * d + i]!
          z[i] = v
          sum[p * d + i]! += v
        }
        for (let i = 0; i < d; i++) {
          const v = z[i]!
          for (let j = 0; j <= i; j++) products[at++]! += v * z[j]!
        }
      }
      images++
    },
    /**
     * The Gaussians: covariance with n − 1, plus the regularisation on its diagonal, factored (Cholesky).
     * @param onPosition called now and then with the number of positions done; may throw to stop
     * @throws CflowError TOO_FEW_IMAGES with fewer than two images
     */
    gaussians(regularisation: number, onPosition: (done: number) => void): PadimModel {
      if (images < 2)
        throw new CflowError('TOO_FEW_IMAGES', 'a covariance needs at least two images')
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
    },
  }
}
