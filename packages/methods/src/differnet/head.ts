import { floats } from '@cflow/base'
import {
  add,
  concat,
  constant,
  div,
  gradients,
  matMul,
  max,
  mul,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reshape,
  resizeBilinear,
  scalar,
  split,
  square,
  sub,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { mapShape } from '../features.js'
import { blur } from '../gaussian.js'
import type { Head } from '../head.js'
import { constantParameters } from '../linear.js'
import type { Standardisation } from '../moments.js'
import { differnetShapes } from './flow.js'
import type { DiffernetFlow } from './flow.js'
import { negativeLogLikelihood } from './train.js'

/** A trained DifferNet. */
export interface DiffernetModel {
  readonly flow: DiffernetFlow
  readonly scaling: Standardisation
  /** All its parameters, in the order of `differnetShapes`. */
  readonly parameters: Float32Array
}

/** DifferNet's features: every tap averaged over its positions, one after the other, [N, ΣD]. */
export const pooledTaps = (taps: readonly Value[]): Value =>
  concat(
    taps.map((tap) => reduceMean(tap, [2, 3])),
    1,
  )

/**
 * DifferNet: the score is the mean square of the latent vector, −2/D·log p_Z(z) up to a constant.
 *
 * The original localises by the gradient of the loss by the input image, through the whole encoder. Behind an average the
 * gradient is the same at every position, so the map here is what that gradient says of each position: the gradient of
 * −log p by the averaged channels (nodes of the same file), times how far the position's channels are from their mean
 * over the training images, summed over channels and taps (Grad-CAM with a baseline). It is blurred and stretched so
 * that it runs from 0 to the image's score.
 */
export const differnetHead =
  ({ flow, scaling, parameters }: DiffernetModel): Head =>
  (taps, size) => {
    const values = constantParameters(differnetShapes(flow), parameters)
    const pooled = pooledTaps(taps)
    const { latent, loss } = negativeLogLikelihood(pooled, flow, scaling, values)
    const score = reduceMean(square(latent), [1])
    const [gradient] = gradients(reduceSum(loss, [0]), [pooled]) as [Value]
    const map = stretched(blur(attribution(taps, gradient, scaling.mean, size)), size)
    return { map: mul(map, reshape(score, [-1, 1, 1])), score }
  }

/** Σ over channels of gradient·(feature − mean), upsampled and summed over the taps, [N, 1, S, S]. */
function attribution(
  taps: readonly Value[],
  gradient: Value,
  mean: Float32Array,
  size: number,
): Value {
  const shapes = taps.map(mapShape)
  const parts = split(
    gradient,
    shapes.map((s) => s.depth),
    1,
  )
  let from = 0
  return shapes
    .map(({ depth, height, width }, k) => {
      const centre = mean.slice(from, (from += depth))
      const positions = reshape(taps[k] as Value, [-1, depth, height * width])
      const away = sub(positions, constant(floats('float32', [1, depth, 1], centre)))
      const along = matMul(reshape(parts[k] as Value, [-1, 1, depth]), away)
      return resizeBilinear(reshape(along, [-1, 1, height, width]), size, size)
    })
    .reduce(add)
}

/** Each map from 0 to 1, [N, S, S]. */
function stretched(map: Value, size: number): Value {
  const flat = reshape(map, [-1, size, size])
  const low = reduceMin(flat, [1, 2], true)
  const range = max(sub(reduceMax(flat, [1, 2], true), low), scalar(1e-12))
  return div(sub(flat, low), range)
}
