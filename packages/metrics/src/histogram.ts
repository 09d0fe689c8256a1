import { countFrom, extremes, rankByLabel, type Ascending, type Ranking } from './ranking.js'
import { requireInteger, type Labels, type Scores } from './scores.js'

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
  return histogramOf(rankByLabel(scores, labels), options)
}

/** `scoreHistogram` of scores that are already ranked. */
export function histogramOf(ranking: Ranking, options: HistogramOptions): ScoreHistogram {
  const { bins = 100, range = rangeOf(ranking) } = options
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
  const density = (of: Ascending): Float64Array => {
    const counts = new Float64Array(bins)
    let total = 0
    for (let i = 0; i < of.scores.length; i++) {
      const score = of.scores[i]!
      if (score < low || score > high) continue
      const count = of.counts ? countFrom(of, i) - countFrom(of, i + 1) : 1
      counts[Math.min(bins - 1, Math.floor(((score - low) / (high - low)) * bins))]! += count
      total += count
    }
    return total === 0 ? counts : counts.map((n) => (n * bins) / (total * (high - low)))
  }
  return { edges, normal: density(ranking.normal), anomalous: density(ranking.anomalous) }
}

function rangeOf(ranking: Ranking): readonly [number, number] {
  const { low, high } = extremes(ranking)
  if (low > high) return [0, 1]
  if (low < high) return [low, high]
  const margin = Math.max(0.5, Math.abs(low) * 1e-6)
  return [low - margin, high + margin]
}
