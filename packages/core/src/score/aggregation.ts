import { CflowError } from '@cflow/base'
import { add, exp, neg, relu, reshape, resizeBilinear, scalar, scale, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import * as z from 'zod'
import type { MapSize } from '../transforms/transform.js'

/**
 * How the likelihoods of the scales become one anomaly map. Every rule turns the likelihood per dimension l of each
 * scale into an anomaly that grows as l falls; these are upsampled (bilinear, aligned corners) and summed.
 * - `paper`: 1 − exp(l − max l), the maximum over the whole test set (section 4.2): depends on the other images, for
 *   reproduction only
 * - `calibrated`: the same with the maximum over held-out normal images, stored; what is likelier than all of them is
 *   as normal as can be, 0
 * - `joint`: −log p = −D·l, the negative log-likelihood of all scales together
 * - `perDimension`: −l
 * - `standardised`: (m − l)/s with mean and deviation over held-out normal images
 */
export const aggregationSchema = z.enum([
  'paper',
  'calibrated',
  'joint',
  'perDimension',
  'standardised',
])
export type Aggregation = z.infer<typeof aggregationSchema>

/** What is known of one scale: its depth and the likelihoods per dimension of normal images. */
export const scaleStatisticsSchema = z.strictObject({
  depth: z.int().positive(),
  mean: z.number(),
  deviation: z.number().positive(),
  max: z.number(),
})
export type ScaleStatistics = z.infer<typeof scaleStatisticsSchema>

/** The anomaly of one scale: 1 − exp(min(l − offset, 0)), or factor·(offset − l). */
interface Rule {
  readonly exponential: boolean
  readonly offset: number
  readonly factor: number
}

function ruleOf(aggregation: Aggregation, s: ScaleStatistics): Rule {
  switch (aggregation) {
    case 'paper':
    case 'calibrated':
      return { exponential: true, offset: s.max, factor: 1 }
    case 'joint':
      return { exponential: false, offset: 0, factor: s.depth }
    case 'perDimension':
      return { exponential: false, offset: 0, factor: 1 }
    case 'standardised':
      return { exponential: false, offset: s.mean, factor: 1 / s.deviation }
  }
}

/** What no score exceeds: the number of scales where each adds 1 at most, else infinity. */
export const largestScore = (
  aggregation: Aggregation,
  scales: readonly ScaleStatistics[],
): number =>
  scales.length > 0 && scales.every((s) => ruleOf(aggregation, s).exponential)
    ? scales.length
    : Infinity

/** Anomaly of a likelihood per dimension at one scale. */
export function anomalyOf(aggregation: Aggregation, s: ScaleStatistics, l: number): number {
  const { exponential, offset, factor } = ruleOf(aggregation, s)
  return exponential ? 1 - Math.exp(Math.min(l - offset, 0)) : factor * (offset - l)
}

/** The same as a graph, elementwise. */
function anomalyValue(aggregation: Aggregation, s: ScaleStatistics, l: Value): Value {
  const { exponential, offset, factor } = ruleOf(aggregation, s)
  if (exponential) return sub(scalar(1, l.dtype), exp(neg(relu(sub(scalar(offset, l.dtype), l)))))
  const a = offset === 0 ? neg(l) : sub(scalar(offset, l.dtype), l)
  return factor === 1 ? a : scale(a, factor)
}

/**
 * The anomaly map of a batch, in the graph.
 * @param likelihoods per scale: l [N, h, w]
 * @returns [N, S, S]
 */
export function anomalyMapValue(
  aggregation: Aggregation,
  statistics: readonly ScaleStatistics[],
  likelihoods: readonly Value[],
  size: number,
): Value {
  const maps = likelihoods.map((l, k) => {
    const [, h, w] = l.shape as [unknown, number, number]
    const a = anomalyValue(aggregation, statistics[k] as ScaleStatistics, l)
    return resizeBilinear(reshape(a, [-1, 1, h, w]), size, size)
  })
  return reshape(maps.reduce(add), [-1, size, size])
}

/**
 * Statistics of one scale over a set of images; with them `paper` is what the authors' code computes.
 * @param depth D of the scale's flow
 * @param images likelihoods per dimension of each image
 * @throws CflowError EMPTY without any
 */
export function statisticsOf(
  depth: number,
  images: readonly (Float32Array | Float64Array)[],
): ScaleStatistics {
  let [count, mean, max] = [0, 0, -Infinity]
  for (const image of images) {
    count += image.length
    for (const v of image) {
      mean += v
      if (v > max) max = v
    }
  }
  if (count === 0) throw new CflowError('EMPTY', 'no likelihoods to take statistics of')
  mean /= count
  let variance = 0
  for (const image of images) for (const v of image) variance += (v - mean) ** 2
  return { depth, mean, deviation: Math.max(Math.sqrt(variance / count), 1e-12), max }
}

/**
 * The anomaly map of one image outside a graph, [size, size], where aggregations are compared on the same likelihoods. For
 * `paper` it is 1 − P summed over the scales; the authors' max Σ P − Σ P is that less its smallest value over the set.
 * @param likelihoods per dimension at each scale, [height, width]
 */
export function anomalyMap(
  aggregation: Aggregation,
  statistics: readonly ScaleStatistics[],
  likelihoods: readonly (MapSize & { readonly data: Float32Array | Float64Array })[],
  size: number,
): Float64Array {
  const map = new Float64Array(size * size)
  likelihoods.forEach(({ data, height, width }, k) => {
    const own = statistics[k] as ScaleStatistics
    const anomaly = Float64Array.from(data, (l) => anomalyOf(aggregation, own, l))
    addUpsampled(anomaly, height, width, map, size)
  })
  return map
}

/** Add a map to another one, upsampled bilinearly with aligned corners (PyTorch's align_corners=True). */
export function addUpsampled(
  map: Float32Array | Float64Array,
  height: number,
  width: number,
  target: Float32Array | Float64Array,
  size: number,
): void {
  const ratio = (n: number) => (size > 1 ? (n - 1) / (size - 1) : 0)
  for (let y = 0; y < size; y++) {
    const fy = y * ratio(height)
    const y0 = Math.min(Math.floor(fy), height - 1)
    const y1 = Math.min(y0 + 1, height - 1)
    const wy = fy - y0
    for (let x = 0; x < size; x++) {
      const fx = x * ratio(width)
      const x0 = Math.min(Math.floor(fx), width - 1)
      const x1 = Math.min(x0 + 1, width - 1)
      const wx = fx - x0
      const top = map[y0 * width + x0]! * (1 - wx) + map[y0 * width + x1]! * wx
      const bottom = map[y1 * width + x0]! * (1 - wx) + map[y1 * width + x1]! * wx
      target[y * size + x]! += top * (1 - wy) + bottom * wy
    }
  }
}
