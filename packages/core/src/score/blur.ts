import { floats } from '@cflow/base'
import { constant, conv, pad, type Value } from '@cflow/graph'

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
 * @param sigma the filter's deviation, in pixels
 */
export function blur(map: Value, sigma: number): Value {
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
