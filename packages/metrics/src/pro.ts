import { followCurve, points, thinnedCurve } from './curves.js'
import { countAbove, countFrom, extremes, indexAbove, leadingRun, type Ranking } from './ranking.js'
import { requireInteger } from './scores.js'

/** The pixels of a whole test set in order, and what their regions make of them. */
export interface PixelRanking extends Ranking {
  /** Number of 8-connected anomalous regions. */
  readonly regions: number
  /** `covered[i]`: Σ 1 / area of their regions over the anomalous scores from index i on. */
  readonly covered: Float64Array
  /**
   * Mean covered share of the regions when scores > `threshold` are predicted anomalous and the holes of regions count
   * in the numerator; may exceed 1.
   */
  filledOverlapAbove(threshold: number): number
}

/** Per-region overlap against the false-positive rate. */
export interface ProCurve {
  /** Share of all normal pixels that are predicted anomalous, ascending. */
  readonly fpr: Float64Array
  /** Mean over all regions of their share that is predicted anomalous. */
  readonly overlap: Float64Array
  /** Threshold of each point, descending; an interpolated last point has that of the step it is on. */
  readonly thresholds: Float64Array
}

/**
 * How the PRO curve is taken:
 * - `exact`: all thresholds, ties together;
 * - `cflow-ad`: the authors' code (gudovskiy/cflow-ad, train.py): 1,000 thresholds evenly spaced
 *   between the largest and the smallest score, filled holes counted in the numerator, and the
 *   false-positive rates up to the limit stretched to [0, 1] instead of interpolating at the limit;
 * - `mvtec-3d`: the evaluation code of MVTec 3D-AD: 100 thresholds evenly spaced over the ranks of
 *   the normal scores.
 */
export type ProProtocol = 'exact' | 'cflow-ad' | 'mvtec-3d'

export interface ProOptions {
  /** Default `exact`. */
  readonly protocol?: ProProtocol
  /** Number of thresholds of a sampled protocol; default 1,000 for `cflow-ad`, 100 for `mvtec-3d`. */
  readonly thresholds?: number
}

export interface ProCurveOptions extends ProOptions {
  /** Largest false-positive rate, in (0, 1]; default 1. */
  readonly limit?: number
  /** Most points of the exact curve, at least 2; default 1,000. */
  readonly maxPoints?: number
}

/** Σ 1 / area over the scores from each index on; added up from the highest score down. */
export function coveredFrom(areas: Uint32Array): Float64Array {
  return sumsFrom(Float64Array.from(areas, (area) => 1 / area))
}

/** `sums[i]`: the sum of the values from index i on; one longer than the values. */
export function sumsFrom(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let i = values.length - 1; i >= 0; i--) sums[i] = sums[i + 1]! + values[i]!
  return sums
}

/** AUPRO up to a false-positive rate; see `PixelMetrics.aupro`. */
export function auproOf(pixels: PixelRanking, limit: number, options: ProOptions): number {
  requireLimit(limit)
  if (pixels.regions === 0 || countFrom(pixels.normal) === 0) return NaN
  let [area, x, y] = [0, 0, 0]
  const trapezoid = (nextX: number, nextY: number): void => {
    area += ((nextX - x) * (nextY + y)) / 2
    x = nextX
    y = nextY
  }
  const { protocol = 'exact' } = options
  if (protocol === 'exact') {
    followCurve(pixels, overlapOf(pixels), limit, trapezoid)
    return area / limit
  }
  const { x: fpr, y: overlap } = sampledCurve(pixels, protocol, limit, options)
  ;[x, y] = [fpr[0]!, overlap[0]!]
  fpr.forEach((rate, i) => {
    trapezoid(rate, overlap[i]!)
  })
  return area / (protocol === 'cflow-ad' ? fpr.at(-1)! - fpr[0]! : limit)
}

/** The PRO curve; see `PixelMetrics.proCurve`. */
export function proCurveOf(pixels: PixelRanking, options: ProCurveOptions): ProCurve {
  const { protocol = 'exact', limit = 1, maxPoints = 1000 } = options
  requireLimit(limit)
  const { x, y, thresholds } =
    protocol === 'exact'
      ? thinnedCurve(pixels, overlapOf(pixels), limit, maxPoints)
      : sampledCurve(pixels, protocol, limit, options)
  return { fpr: x, overlap: y, thresholds }
}

/** Mean covered share of the regions at each threshold; NaN without regions. */
const overlapOf =
  ({ covered, regions }: PixelRanking) =>
  ({ anomalousFrom }: { readonly anomalousFrom: number }): number =>
    covered[anomalousFrom]! / regions

function sampledCurve(
  pixels: PixelRanking,
  protocol: ProProtocol,
  limit: number,
  { thresholds }: ProOptions,
) {
  if (thresholds !== undefined) requireInteger('thresholds', thresholds, 2)
  if (protocol === 'cflow-ad') return sampleCflowAd(pixels, limit, thresholds ?? 1000)
  if (protocol === 'mvtec-3d') return sampleMvtec3d(pixels, limit, thresholds ?? 100)
  throw new RangeError(`protocol must be exact, cflow-ad or mvtec-3d, got ${String(protocol)}`)
}

/**
 * The PRO curve as the authors sample it (gudovskiy/cflow-ad, train.py, after YoungGod/DFR):
 * threshold k of n is max − k·(max − min)/n over all scores, predicted anomalous is score >
 * threshold, and a region's overlap counts the predicted pixels of its filled image (holes
 * included) over its own area. Points with a false-positive rate above the limit are left out.
 *
 * @throws RangeError when a score is infinite
 */
function sampleCflowAd(pixels: PixelRanking, limit: number, count: number) {
  const { low, high } = extremes(pixels)
  const total = countFrom(pixels.normal)
  if (low <= high && !Number.isFinite(high - low))
    throw new RangeError('the cflow-ad protocol needs finite scores')
  const delta = (high - low) / count
  const curve = points()
  for (let step = 0; step < count; step++) {
    const threshold = high - step * delta
    const rate = countAbove(pixels.normal, threshold) / total
    if (rate > limit) break
    curve.add(rate, pixels.filledOverlapAbove(threshold), threshold)
  }
  return curve.arrays()
}

/**
 * The PRO curve as the evaluation code of MVTec 3D-AD samples it (Bergmann et al. 2022): thresholds
 * are the normal scores at `count` evenly spaced ranks r, the false-positive rate is 1 − (r + 1)/n
 * (so ties are not counted out), predicted anomalous is score > threshold, and (1, 1) is added.
 * The curve is cut at the limit by linear interpolation.
 */
function sampleMvtec3d(pixels: PixelRanking, limit: number, count: number) {
  const { normal, anomalous, covered, regions } = pixels
  const n = countFrom(normal)
  const curve = points()
  for (let k = count - 1; k >= -1 && n > 0; k--) {
    const rank = rankOf(k, n, count)
    const at = leadingRun(normal.scores.length, (i) => n - countFrom(normal, i + 1) <= rank)
    const threshold = k < 0 ? -Infinity : normal.scores[at]!
    const rate = 1 - (rank + 1) / n
    const share = k < 0 ? 1 : covered[indexAbove(anomalous.scores, threshold)]! / regions
    if (rate <= limit) {
      curve.add(rate, share, threshold)
      continue
    }
    const { x, y } = curve.last()
    if (x < limit) curve.add(limit, y + ((share - y) * (limit - x)) / (rate - x), threshold)
    break
  }
  return curve.arrays()
}

/** NumPy's `linspace(0, n − 1, count, dtype=int)[k]`, its last element exact; −1 before the first. */
function rankOf(k: number, n: number, count: number): number {
  if (k < 0) return -1
  return k === count - 1 ? n - 1 : Math.floor(k * ((n - 1) / (count - 1)))
}

function requireLimit(limit: number): void {
  if (!(limit > 0 && limit <= 1))
    throw new RangeError(`the limit of the false-positive rate must be in (0, 1], got ${limit}`)
}
