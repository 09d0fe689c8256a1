import { floats } from '@cflow/base'
import { constant, conv, pad, reduceMax, reshape, resizeBilinear, type Value } from '@cflow/graph'

/** Deviation in pixels of the blur of PaDiM's and SPADE's anomaly maps. */
const gaussianSigma = 4

/** Weights of a Gaussian filter cut off at four deviations, as SciPy's gaussian_filter; they sum to 1. */
export function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.floor(4 * sigma + 0.5)
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  )
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((w) => w / sum)
}

/**
 * Gaussian blur of [N, 1, H, W], as two convolutions; the border is filled by reflection.
 * A map smaller than the filter's reach is blurred by as much of the filter as fits.
 */
export function blur(map: Value, sigma = gaussianSigma): Value {
  const [, , height, width] = map.shape as readonly number[]
  const whole = gaussianKernel(sigma)
  const reach = (whole.length - 1) / 2
  const along = (x: Value, size: number, vertical: boolean): Value => {
    const r = Math.min(reach, size - 1)
    const part = whole.slice(reach - r, reach + r + 1)
    const sum = part.reduce((a, b) => a + b, 0)
    const n = part.length
    const weights = constant(
      floats(
        'float32',
        vertical ? [1, 1, n, 1] : [1, 1, 1, n],
        part.map((w) => w / sum),
      ),
    )
    const pads = vertical ? [0, 0, r, 0, 0, 0, r, 0] : [0, 0, 0, r, 0, 0, 0, r]
    return conv(pad(x, pads, 'reflect'), weights)
  }
  return along(along(map, height as number, true), width as number, false)
}

/** A map of positions [N, h, w] as an anomaly map [N, S, S], and its maximum as the score. */
export function mapVerdict(
  positions: Value,
  size: number,
  options: { readonly corners: 'aligned' | 'half'; readonly blurred: boolean },
): { readonly map: Value; readonly score: Value } {
  const [, h, w] = positions.shape as [unknown, number, number]
  const up = resizeBilinear(reshape(positions, [-1, 1, h, w]), size, size, options.corners)
  const map = reshape(options.blurred ? blur(up) : up, [-1, size, size])
  return { map, score: reduceMax(map, [1, 2]) }
}
