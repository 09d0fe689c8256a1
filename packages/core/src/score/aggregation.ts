import { CflowError } from '@cflow/base'
import {
  add,
  exp,
  log,
  max,
  neg,
  relu,
  reshape,
  resizeBilinear,
  scalar,
  scale,
  sub,
} from '@cflow/graph'
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
 * - `softMinimum`: a = (m − l)/s + 3, not below 0, of the scales −3·ln mean exp(−a/3), the exponentials upsampled: a position
 *   is as anomalous as the scales agree. In deviations of good images, without an upper bound; 3 is usual
 */
export const aggregationSchema = z.enum([
  'paper',
  'calibrated',
  'joint',
  'perDimension',
  'standardised',
  'softMinimum',
])
export type Aggregation = z.infer<typeof aggregationSchema>

/** What is known of one scale: its depth and the likelihoods per dimension of normal images. */
export const scaleStatisticsSchema = z.strictObject({
  depth: z.int().positive(),
  mean: z.number(),
  deviation: z.number().positive(),
  max: z.number(),
  /** What the scale counts in `softMinimum`, where it stands for more than one; 1 when absent. */
  weight: z.number().positive().optional(),
})
export type ScaleStatistics = z.infer<typeof scaleStatisticsSchema>

/**
 * The anomaly of one scale: factor·(offset − l), or what it is made of as a likelihood relative to the offset,
 * p = exp(factor·min(l − offset, 0)): 1 − p, or −ln p in units of `pooled`, where scales are pooled before the logarithm.
 */
interface Rule {
  readonly exponential: boolean
  readonly pooled?: number
  readonly offset: number
  readonly factor: number
}

/** Of `softMinimum`: deviations that are one e-fold, and those above the mean from which on a likelihood is usual. */
const softness = 3
/** The least mean of relative likelihoods, so that the logarithm is finite in float32. */
const leastMean = 1e-37

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
    case 'softMinimum': {
      const offset = s.mean + softness * s.deviation
      return { exponential: true, pooled: softness, offset, factor: 1 / (softness * s.deviation) }
    }
  }
}

/** What no score exceeds: the number of scales where each adds 1 at most, else infinity. */
export const largestScore = (
  aggregation: Aggregation,
  scales: readonly ScaleStatistics[],
): number =>
  scales.length > 0 &&
  scales.every((s) => {
    const { exponential, pooled } = ruleOf(aggregation, s)
    return exponential && pooled === undefined
  })
    ? scales.length
    : Infinity

/** What is upsampled and summed over the scales, elementwise: relative likelihoods p where they are pooled. */
function summandOf({ exponential, pooled, offset, factor }: Rule): (l: number) => number {
  if (!exponential) return (l) => factor * (offset - l)
  const p = (l: number) => Math.exp(factor * Math.min(l - offset, 0))
  return pooled === undefined ? (l) => 1 - p(l) : p
}

/** The anomaly of scales from the mean of their summands. */
const pooledAnomaly = (pooled: number, mean: number): number =>
  -pooled * Math.log(Math.max(mean, leastMean))

/**
 * The anomaly of one scale at a pixel, from its likelihoods per dimension around it.
 * @param interpolate upsamples what it is told to make of a likelihood
 */
export function upsampledAnomaly(
  aggregation: Aggregation,
  s: ScaleStatistics,
  interpolate: (of: (l: number) => number) => number,
): number {
  const rule = ruleOf(aggregation, s)
  const value = interpolate(summandOf(rule))
  return rule.pooled === undefined ? value : pooledAnomaly(rule.pooled, value)
}

/** Anomaly of a likelihood per dimension at one scale. */
export const anomalyOf = (aggregation: Aggregation, s: ScaleStatistics, l: number): number =>
  upsampledAnomaly(aggregation, s, (of) => of(l))

/** Weights of the scales in a mean: they sum to 1. */
function weightsOf(statistics: readonly ScaleStatistics[]): readonly number[] {
  const sum = statistics.reduce((n, { weight = 1 }) => n + weight, 0)
  return statistics.map(({ weight = 1 }) => weight / sum)
}

/** The anomaly of a pixel from those of the scales: their sum, or their soft minimum. */
export function combinedAnomaly(
  aggregation: Aggregation,
  statistics: readonly ScaleStatistics[],
  values: readonly number[],
): number {
  if (aggregation !== 'softMinimum') return values.reduce((a, v) => a + v, 0)
  const weights = weightsOf(statistics)
  const mean = values.reduce((a, v, k) => a + (weights[k] as number) * Math.exp(-v / softness), 0)
  return pooledAnomaly(softness, mean)
}

/** The same in the graph. */
function summandValue({ exponential, pooled, offset, factor }: Rule, l: Value): Value {
  const scaled = (x: Value) => (factor === 1 ? x : scale(x, factor))
  if (!exponential) return scaled(offset === 0 ? neg(l) : sub(scalar(offset, l.dtype), l))
  const p = exp(neg(scaled(relu(sub(scalar(offset, l.dtype), l)))))
  return pooled === undefined ? sub(scalar(1, l.dtype), p) : p
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
  const rules = likelihoods.map((_, k) => ruleOf(aggregation, statistics[k] as ScaleStatistics))
  const weights = weightsOf(statistics)
  const maps = likelihoods.map((l, k) => {
    const [, h, w] = l.shape as [unknown, number, number]
    const { pooled } = rules[k] as Rule
    const own = summandValue(rules[k] as Rule, l)
    const summand = pooled === undefined ? own : scale(own, weights[k] as number)
    return resizeBilinear(reshape(summand, [-1, 1, h, w]), size, size)
  })
  const sum = maps.reduce(add)
  const pooled = rules[0]?.pooled
  const map =
    pooled === undefined ? sum : scale(log(max(sum, scalar(leastMean, sum.dtype))), -pooled)
  return reshape(map, [-1, size, size])
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
  const rules = likelihoods.map((_, k) => ruleOf(aggregation, statistics[k] as ScaleStatistics))
  const weights = weightsOf(statistics)
  const map = new Float64Array(size * size)
  likelihoods.forEach(({ data, height, width }, k) => {
    const rule = rules[k] as Rule
    const of = summandOf(rule)
    const weight = rule.pooled === undefined ? 1 : (weights[k] as number)
    const summands = Float64Array.from(data, (l) => weight * of(l))
    addUpsampled(summands, height, width, map, size)
  })
  const pooled = rules[0]?.pooled
  if (pooled === undefined) return map
  return map.map((mean) => pooledAnomaly(pooled, mean))
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
