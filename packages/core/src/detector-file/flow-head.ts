import { reduceMax, reduceMean, reshape, resizeBilinear, topK, type Value } from '@cflow/graph'
import type { ScaleFlow } from '../flow/flow.js'
import { foldedLogLikelihood, perDimension } from '../flow/likelihood.js'
import {
  anomalyMapValue,
  statisticsOf,
  type Aggregation,
  type ScaleStatistics,
} from '../score/aggregation.js'
import { blur } from '../score/blur.js'
import { detectorNames, rowsOfMap, type Head } from './detector.js'

/** Likelihood per dimension of every position of a map, [N, h, w]. */
export function likelihoodMap(map: Value, flow: ScaleFlow, name: string): Value {
  const [, depth, height, width] = map.shape as [unknown, number, number, number]
  const logp = foldedLogLikelihood(rowsOfMap(map), flow, { height, width }, name)
  return reshape(perDimension(logp, depth), [-1, height, width])
}

/** Of so many pixels of a map the highest ones whose mean is its score; 1, their maximum, for a share of 0. */
export const scoredPixels = (pixels: number, share = 0): number =>
  Math.max(1, Math.round(share * pixels))

/**
 * The score of a map [N, S, S]: [N].
 * @param share of the map's pixels, the highest, whose mean it is; their maximum (section 4.2) for 0
 */
function mapScore(map: Value, share: number): Value {
  const size = map.shape[1] as number
  const pixels = scoredPixels(size ** 2, share)
  if (pixels === 1) return reduceMax(map, [1, 2])
  const [highest] = topK(reshape(map, [-1, size ** 2]), pixels, 1)
  return reduceMean(highest, [1])
}

/**
 * A map smoothed by a Gaussian of at least 4 pixels has nothing finer than two of them, so that it is aggregated and
 * smoothed with a side of half the size, or less, and upsampled.
 * @param size S, the side of the map
 * @param sigma the Gaussian's deviation, in pixels
 * @param finest side of the finest likelihood map, which would be sampled too seldom by a side below twice its own
 * @returns the side of the map that is smoothed, S at most
 */
export const smoothedSide = (size: number, sigma: number, finest: number): number =>
  Math.min(size, Math.max(Math.ceil(size / Math.max(1, Math.floor(sigma / 2))), 2 * finest))

/** A map [N, s, s], smoothed by a Gaussian of `sigma` pixels of the map [N, S, S] that it becomes. */
function smoothed(map: Value, sigma: number, size: number): Value {
  const side = map.shape[1] as number
  const own = side < size ? (sigma * (side - 1)) / (size - 1) : sigma
  const blurred = blur(reshape(map, [-1, 1, side, side]), own)
  const whole = side < size ? resizeBilinear(blurred, size, size) : blurred
  return reshape(whole, [-1, size, size])
}

/** A scale of a detector that is no flow: what it says of a position grows with how usual this is, as a likelihood does. */
export interface FurtherScale {
  /** What a likelihood per dimension is multiplied by to get one of all (`joint`). */
  readonly depth: number
  /** What it counts beside a flow, which counts 1 (`softMinimum`). */
  readonly weight: number
  /** @param taps maps [N, D, h, w], finest first @returns [N, h, w] */
  likelihood(taps: readonly Value[]): Value
}

export interface FlowHeadOptions {
  /** See `mapScore`; the map's maximum when absent. */
  readonly scoreShare?: number
  /** Deviation, in pixels, of the Gaussian that the map is smoothed with; not at all when absent. */
  readonly smoothing?: number
  /** Scales behind those of the flows. */
  readonly further?: readonly FurtherScale[]
}

/** CFLOW-AD: a flow on every tap, their likelihoods aggregated into one map (section 4.2), and the map into the score. */
export function flowHead(
  flows: readonly ScaleFlow[],
  aggregation: Aggregation,
  { scoreShare = 0, smoothing = 0, further = [] }: FlowHeadOptions = {},
): Head {
  return {
    flows,
    ...likelihoodHead([...flows.map(({ config }) => config), ...further], {
      aggregation,
      scoreShare,
      smoothing,
      likelihoods: (taps) => [
        ...flows.map((flow, k) => likelihoodMap(taps[k] as Value, flow, `flow${k}`)),
        ...further.map((scale) => scale.likelihood(taps)),
      ],
    }),
  }
}

/**
 * The head of scales whose likelihoods are known, whatever they come from.
 * @param scales depth and weight of each (1 where absent)
 */
export function likelihoodHead(
  scales: readonly Pick<ScaleStatistics, 'depth' | 'weight'>[],
  {
    aggregation,
    scoreShare,
    smoothing = 0,
    likelihoods: of,
  }: {
    readonly aggregation: Aggregation
    readonly scoreShare: number
    readonly smoothing?: number
    /** Likelihood per dimension of every position, [N, h, w] of every scale. */
    readonly likelihoods: (taps: readonly Value[]) => readonly Value[]
  },
): Head {
  const names = scales.map((_, k) => detectorNames.logLikelihood(k))
  return {
    stage: 'flows',
    shown: names,
    evidence: (taps) => Object.fromEntries(of(taps).map((map, k) => [names[k], map])),
    statistics: (evidence) =>
      scales.map(({ depth, weight = 1 }, k) => {
        const own = statisticsOf(depth, evidence[names[k] as string] ?? [])
        return weight === 1 ? own : { ...own, weight }
      }),
    verdict(evidence, size, statistics) {
      const likelihoods = names.map((name) => evidence[name] as Value)
      const plain = (side: number) => anomalyMapValue(aggregation, statistics, likelihoods, side)
      const finest = Math.max(...likelihoods.flatMap(({ shape }) => shape.slice(1) as number[]))
      const map =
        smoothing > 0
          ? smoothed(plain(smoothedSide(size, smoothing, finest)), smoothing, size)
          : plain(size)
      return { map, score: mapScore(map, scoreShare) }
    },
  }
}
