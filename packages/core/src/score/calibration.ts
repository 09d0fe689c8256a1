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
 * exponential tail.
 * @param scores held-out normal scores, any order
 * @param rate α in (0, 1)
 * @throws CflowError USAGE when the rate is out of range, EMPTY without scores
 */
export function thresholdAt(scores: ArrayLike<number>, rate: number): Threshold {
  if (!(rate > 0 && rate < 1))
    throw new CflowError('USAGE', `a false-positive rate lies between 0 and 1, got ${rate}`)
  const n = scores.length
  if (n === 0) throw new CflowError('EMPTY', 'no held-out scores to calibrate with')
  const sorted = Float64Array.from(scores).sort()
  const rank = Math.ceil((n + 1) * (1 - rate) - 1e-9)
  if (rank <= n) return { threshold: sorted[Math.max(rank, 1) - 1] as number, guaranteed: true }
  const median = sorted[Math.floor((n - 1) / 2)] as number
  const upper = sorted.filter((s) => s > median)
  const excess = upper.length > 0 ? upper.reduce((a, s) => a + s - median, 0) / upper.length : 0
  const largest = sorted[n - 1] as number
  return { threshold: largest + excess * Math.log(1 / ((n + 1) * rate)), guaranteed: false }
}

/** Conformal p-value of a score: the share of normal images that would score at least as high. */
export function pValue(scores: ArrayLike<number>, score: number): number {
  let above = 0
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) >= score) above++
  return (above + 1) / (scores.length + 1)
}
