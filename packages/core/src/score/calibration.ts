import { CflowError } from '@cflow/base'

export interface Threshold {
  /** An image is anomalous when its score is above this. */
  readonly threshold: number
  /**
   * Whether the rate is guaranteed for images like the held-out ones (exchangeable with them): false when there are
   * too few held-out images for so small a rate and the threshold is an extrapolation.
   */
  readonly guaranteed: boolean
}

/**
 * Threshold for a false-positive rate: the split-conformal quantile of held-out normal scores, the ⌈(n+1)(1−α)⌉-th
 * smallest (Vovk et al. 2005; Angelopoulos & Bates 2021). A new good image scores above it with probability ≤ α.
 * With fewer than 1/α − 1 held-out images there is no such score; the upper half of the scores is then continued as an
 * exponential tail. Scores that have a bound S are continued as −ln(S − s), which for `calibrated` scores is the negative
 * log-likelihood of the least likely scale: the threshold then stays below the bound, where a defect can still exceed it.
 * @param scores held-out normal scores, any order
 * @param rate α in (0, 1)
 * @param bound S, what no score exceeds (`largestScore`)
 * @throws CflowError USAGE when the rate is out of range, EMPTY without scores
 */
export function thresholdAt(scores: ArrayLike<number>, rate: number, bound = Infinity): Threshold {
  if (!(rate > 0 && rate < 1))
    throw new CflowError('USAGE', `a false-positive rate lies between 0 and 1, got ${rate}`)
  const n = scores.length
  if (n === 0) throw new CflowError('EMPTY', 'no held-out scores to calibrate with')
  const sorted = Float64Array.from(scores).sort()
  const rank = Math.ceil((n + 1) * (1 - rate) - 1e-9)
  if (rank <= n) return { threshold: sorted[Math.max(rank, 1) - 1] as number, guaranteed: true }
  const continued = (tail: Float64Array): number => {
    const median = tail[Math.floor((n - 1) / 2)] as number
    const upper = tail.filter((s) => s > median)
    const excess = upper.reduce((a, s) => a + s - median, 0) / Math.max(upper.length, 1)
    return (tail[n - 1] as number) + excess * Math.max(-Math.log((n + 1) * rate), 0)
  }
  if (bound === Infinity) return { threshold: continued(sorted), guaranteed: false }
  // a float32 score comes no nearer to its bound than 2⁻²³ of it; what is nearer is the bound itself, above any threshold
  const logarithms = sorted.map((s) => -Math.log(Math.max(bound - s, bound * 2 ** -23)))
  const margin = Math.max(Math.exp(-continued(logarithms)), bound * 2 ** -52)
  return { threshold: bound - margin, guaranteed: false }
}

/** Conformal p-value of a score: the share of normal images that would score at least as high. */
export function pValue(scores: ArrayLike<number>, score: number): number {
  let above = 0
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) >= score) above++
  return (above + 1) / (scores.length + 1)
}
