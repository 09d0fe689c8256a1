import { requireInteger, splitByLabel, type FloatArray, type Labels } from './scores.js'
import type { Scores, ScoresByClass } from './scores.js'

/** Densities of both classes over the same bins. */
export interface ScoreHistogram {
  /** bins + 1 ascending edges; bin i is [edges[i], edges[i + 1]), the last one closed. */
  readonly edges: Float64Array
  /** Density of the normal scores per bin: Σ density·width = 1, or all 0 without scores in range. */
  readonly normal: Float64Array
  /** Density of the anomalous scores per bin, normalised likewise. */
  readonly anomalous: Float64Array
}

export interface HistogramOptions {
  /** Number of bins, default 100. */
  readonly bins?: number
  /** Lowest and highest edge, default those of all scores; scores outside are left out. */
  readonly range?: readonly [low: number, high: number]
}

/**
 * Normalised histograms of normal and anomalous scores over shared bins (the paper's Figure 4).
 * When all scores are equal the range is that score ± 0.5, or ± a millionth of it where that is more.
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ, a score is NaN, or the range is empty or not finite
 */
export function scoreHistogram(
  scores: Scores,
  labels: Labels,
  options: HistogramOptions = {},
): ScoreHistogram {
  return histogramOf(splitByLabel(scores, labels), options)
}

/**
 * `scoreHistogram` of scores that are already split; they need not be sorted.
 * @param counts how often each score occurs; once when absent
 */
export function histogramOf(
  { normal, anomalous }: ScoresByClass,
  { bins = 100, range = rangeOf([normal, anomalous]) }: HistogramOptions,
  counts?: ScoresByClass,
): ScoreHistogram {
  requireInteger('bins', bins, 1)
  const [low, high] = range
  if (!(low < high && Number.isFinite(high - low)))
    throw new RangeError(
      `the histogram's range must be finite and not empty, got ${low} to ${high}`,
    )
  const edges = Float64Array.from(
    { length: bins + 1 },
    (_, i) => low + ((high - low) * i) / bins, // one rounding per edge, no drift
  )
  edges[bins] = high
  return {
    edges,
    normal: density(normal, counts?.normal, low, high, bins),
    anomalous: density(anomalous, counts?.anomalous, low, high, bins),
  }
}

function density(
  scores: FloatArray,
  weights: FloatArray | undefined,
  low: number,
  high: number,
  bins: number,
): Float64Array {
  const counts = new Float64Array(bins)
  let total = 0
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!
    if (score < low || score > high) continue
    const weight = weights ? weights[i]! : 1
    counts[Math.min(bins - 1, Math.floor(((score - low) / (high - low)) * bins))]! += weight
    total += weight
  }
  return total === 0 ? counts : counts.map((count) => (count * bins) / (total * (high - low)))
}

function rangeOf(parts: readonly FloatArray[]): readonly [number, number] {
  let low = Infinity
  let high = -Infinity
  for (const scores of parts)
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!
      if (score < low) low = score
      if (score > high) high = score
    }
  if (low > high) return [0, 1]
  if (low < high) return [low, high]
  const margin = Math.max(0.5, Math.abs(low) * 1e-6)
  return [low - margin, high + margin]
}
