import { CflowError } from '@cflow/base'
import type { Manifest } from '../detector-file/manifest.js'

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
 * @param confidence with which the rate of this very threshold shall not be above α (Vovk 2012, "training-conditional");
 *   0 for a rate that holds on average over calibrations
 * @throws CflowError USAGE when the rate is out of range, EMPTY without scores
 */
export function thresholdAt(
  scores: ArrayLike<number>,
  rate: number,
  bound = Infinity,
  confidence = 0,
): Threshold {
  if (!(rate > 0 && rate < 1))
    throw new CflowError('USAGE', `a false-positive rate lies between 0 and 1, got ${rate}`)
  const n = scores.length
  if (n === 0) throw new CflowError('EMPTY', 'no held-out scores to calibrate with')
  const sorted = Float64Array.from(scores).sort()
  let rank = Math.max(Math.ceil((n + 1) * (1 - rate) - 1e-9), 1)
  while (confidence > 0 && rank <= n && rateLimit(n, n - rank, confidence) > rate + 1e-12) rank++
  if (rank <= n) return { threshold: sorted[rank - 1] as number, guaranteed: true }
  const continued = (tail: Float64Array): number => {
    const median = tail[Math.floor((n - 1) / 2)] as number
    return (
      (tail[n - 1] as number) + meanExcess(tail, median) * Math.max(-Math.log((n + 1) * rate), 0)
    )
  }
  const { to, from } = unbounded(bound)
  return { threshold: from(continued(sorted.map(to))), guaranteed: false }
}

/** Scores below a bound as ones without, and back: −ln(S − s). */
function unbounded(bound: number): Record<'to' | 'from', (score: number) => number> {
  if (bound === Infinity) return { to: (s) => s, from: (s) => s }
  return {
    // a float32 score comes no nearer to its bound than 2⁻²³ of it; what is nearer is the bound itself, above any threshold
    to: (s) => -Math.log(Math.max(bound - s, bound * 2 ** -23)),
    from: (l) => bound - Math.max(Math.exp(-l), bound * 2 ** -52),
  }
}

/**
 * The score that good images are above at a rate, as an estimate: the upper half of the scores taken for an exponential tail,
 * P(s > t) = ½·exp((m − t)/e) with their median m and the mean excess e over it. A highest score of few varies much more.
 * @param rate from ½ on, a quantile between two scores
 */
function tailThreshold(scores: ArrayLike<number>, rate: number, bound: number): number {
  const { to, from } = unbounded(bound)
  const sorted = Float64Array.from(scores, to).sort()
  const quantile = (below: number): number => {
    const rank = Math.min(Math.max((sorted.length + 1) * below, 1), sorted.length)
    const [low, high] = [Math.floor(rank), Math.ceil(rank)].map((r) => sorted[r - 1] as number)
    return low! + (rank % 1) * (high! - low!)
  }
  if (rate >= 0.5) return from(quantile(1 - rate))
  const median = quantile(0.5)
  return from(median + meanExcess(sorted, median) * Math.log(0.5 / rate))
}

/** By how much the scores above a level are above it, on average: the scale of an exponential tail from there on. */
function meanExcess(scores: Float64Array, level: number): number {
  const upper = scores.filter((s) => s > level)
  return upper.reduce((a, s) => a + s - level, 0) / Math.max(upper.length, 1)
}

/**
 * The threshold of a detector for a false-positive rate. Folds guarantee no rate, and there are few images where there are
 * folds: there it is an estimate that aims at the rate, by the upper half of the scores as an exponential tail; with a
 * confidence, and of images that were held out, it is `thresholdAt`'s.
 * @param bound what no score exceeds (`largestScore`)
 * @returns of an estimate, `guaranteed` says whether so many images carry the rate (`thresholdAt`)
 * @throws CflowError as `thresholdAt`
 */
export function calibratedThreshold(
  { source, scores, confidence }: Pick<Manifest['calibration'], 'source' | 'scores' | 'confidence'>,
  rate: number,
  bound: number,
): Threshold {
  const conformal = thresholdAt(scores, rate, bound, confidence)
  return source === 'folds' && confidence === undefined
    ? { ...conformal, threshold: tailThreshold(scores, rate, bound) }
    : conformal
}

/** ln C(n, k). */
function logBinomial(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i)
  return sum
}

/** P(at most k of n), each with probability p. */
function binomialTail(n: number, k: number, p: number): number {
  let sum = 0
  for (let i = 0; i <= k; i++)
    sum += Math.exp(logBinomial(n, i) + i * Math.log(p) + (n - i) * Math.log1p(-p))
  return Math.min(sum, 1)
}

/**
 * What the false-positive rate of this very threshold is at most, with a confidence: the upper limit of Clopper and Pearson
 * (1934). A conformal threshold keeps its rate on average over calibrations; one calibration with few images can be far off.
 * @param count calibration images @param above those of them with a score above the threshold
 * @param confidence in (0, 1)
 */
export function rateLimit(count: number, above: number, confidence = 0.95): number {
  if (above >= count) return 1
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (binomialTail(count, above, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** Conformal p-value of a score: the share of normal images that would score at least as high. */
export function pValue(scores: ArrayLike<number>, score: number): number {
  let above = 0
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) >= score) above++
  return (above + 1) / (scores.length + 1)
}
