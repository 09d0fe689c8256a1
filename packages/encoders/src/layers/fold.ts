import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'

/** A batch norm in inference: y = gamma·(x − mean)/√(variance + ε) + beta, by channel. */
export interface Norm {
  readonly gamma: Float32Array
  readonly beta: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
  readonly epsilon: number
}

/** A batch norm as y = scale·x + shift, in float64. */
export function normTransform(norm: Norm): { scale: Float64Array; shift: Float64Array } {
  const { gamma, beta, mean, variance, epsilon } = norm
  const scale = Float64Array.from(gamma, (g, i) => g / Math.sqrt((variance[i] as number) + epsilon))
  const shift = Float64Array.from(beta, (b, i) => b - (mean[i] as number) * (scale[i] as number))
  return { scale, shift }
}

/**
 * A convolution's weight [M, C, h, w] and the batch norm after it as one convolution with bias [M]. The arithmetic is
 * float64 and each result is rounded once.
 */
export function foldNorm(
  weight: Tensor<'float32'>,
  norm: Norm,
): { readonly weight: Tensor<'float32'>; readonly bias: Tensor<'float32'> } {
  const { scale, shift } = normTransform(norm)
  const each = weight.data.length / scale.length
  const data = new Float32Array(weight.data.length)
  for (let m = 0; m < scale.length; m++) {
    const factor = scale[m] as number
    for (let i = m * each; i < (m + 1) * each; i++) data[i] = (weight.data[i] as number) * factor
  }
  return {
    weight: tensor('float32', weight.shape, data),
    bias: tensor('float32', [scale.length], Float32Array.from(shift)),
  }
}
