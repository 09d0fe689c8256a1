import { binEdge } from './float-bins.js'
import { histogramOf } from './histogram.js'
import type { FilledBins } from './pixel-bins.js'
import type { PixelRanking } from './pixel-ranking.js'
import type { Walk } from './ranking.js'

/** Binned pixels as a ranking: each score counts as the lower edge of its bin. */
export function binnedRankingOf(bins: FilledBins): PixelRanking {
  const { edges, regions } = bins
  const normal = fromTheTop(bins.normal)
  const anomalous = fromTheTop(bins.anomalous)
  const overlap = fromTheTop(bins.share)
  const holes = fromTheTop(bins.holes)
  // place of the first edge above, or at least, a threshold
  const above = (threshold: number): number =>
    leadingRun(edges.length, (i) => edges[i]! <= threshold)
  const from = (threshold: number): number => leadingRun(edges.length, (i) => edges[i]! < threshold)
  return {
    normalCount: normal[0]!,
    anomalousCount: anomalous[0]!,
    regions,
    lowest: edges[0] ?? Infinity,
    highest: edges.at(-1) ?? -Infinity,
    walk: () => new BinWalk(edges, normal, anomalous),
    overlapAt(truePositives) {
      const i = leadingRun(edges.length, (j) => anomalous[j]! > truePositives)
      return overlap[i]! / regions
    },
    overlapAbove: (threshold) => overlap[above(threshold)]! / regions,
    filledOverlapAbove(threshold) {
      const i = above(threshold)
      return (overlap[i]! + holes[i]!) / regions
    },
    normalAbove: (threshold) => normal[above(threshold)]!,
    normalAt: (rank) =>
      edges[leadingRun(edges.length, (i) => normal[0]! - normal[i + 1]! <= rank)]!,
    atLeast(threshold) {
      const i = from(binEdge(threshold))
      return { normal: normal[i]!, anomalous: anomalous[i]! }
    },
    histogram: (options) =>
      histogramOf({ normal: edges, anomalous: edges }, options, {
        normal: bins.normal,
        anomalous: bins.anomalous,
      }),
  }
}

/** From the highest bin down; `normal` and `anomalous` count the scores from a bin on. */
class BinWalk implements Walk {
  threshold = Infinity
  truePositives = 0
  falsePositives = 0
  readonly #edges: Float64Array
  readonly #normal: Float64Array
  readonly #anomalous: Float64Array
  #left: number

  constructor(edges: Float64Array, normal: Float64Array, anomalous: Float64Array) {
    this.#edges = edges
    this.#normal = normal
    this.#anomalous = anomalous
    this.#left = edges.length
  }

  next(): boolean {
    if (this.#left === 0) return false
    const i = --this.#left
    this.threshold = this.#edges[i]!
    this.truePositives = this.#anomalous[i]!
    this.falsePositives = this.#normal[i]!
    return true
  }
}

/**
 * How far the AUROC of binned scores can be from that of the scores themselves: pairs whose scores share a bin count
 * half, and could count anything from nothing to one.
 */
export function aurocErrorOf({ normal, anomalous }: FilledBins): number {
  let pairs = 0
  let normals = 0
  let anomalies = 0
  for (let i = 0; i < normal.length; i++) {
    pairs += normal[i]! * anomalous[i]!
    normals += normal[i]!
    anomalies += anomalous[i]!
  }
  return pairs / 2 / (normals * anomalies)
}

/** `sums[i]`: the sum of the values from place i on; one longer than the values. */
function fromTheTop(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let i = values.length - 1; i >= 0; i--) sums[i] = sums[i + 1]! + values[i]!
  return sums
}

/** Length of the leading run of places for which `holds`, by bisection. */
function leadingRun(length: number, holds: (i: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}
