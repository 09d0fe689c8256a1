import { requireInteger } from './scores.js'
import { sampleCflowAd } from './pro-cflow-ad.js'
import { sampleMvtec3d } from './pro-mvtec-3d.js'
import { traceCurve, type ProCurve } from './curve.js'
import type { PixelRanking } from './pixel-ranking.js'

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

/** AUPRO up to a false-positive rate; see `PixelMetrics.aupro`. */
export function auproOf(pixels: PixelRanking, limit: number, options: ProOptions): number {
  requireLimit(limit)
  if (pixels.regions === 0 || pixels.normalCount === 0) return NaN
  switch (options.protocol ?? 'exact') {
    case 'exact':
      return exactArea(pixels, limit)
    case 'cflow-ad': {
      const { fpr, overlap } = sampleCflowAd(pixels, limit, samples(options, 1000))
      return trapezoid(fpr, overlap) / (fpr.at(-1)! - fpr[0]!)
    }
    case 'mvtec-3d': {
      const { fpr, overlap } = sampleMvtec3d(pixels, limit, samples(options, 100))
      return trapezoid(fpr, overlap) / limit
    }
    default:
      throw unknownProtocol(options)
  }
}

/** The PRO curve; see `PixelMetrics.proCurve`. */
export function proCurveOf(pixels: PixelRanking, options: ProCurveOptions): ProCurve {
  const { limit = 1, maxPoints = 1000 } = options
  requireLimit(limit)
  switch (options.protocol ?? 'exact') {
    case 'exact': {
      const overlapAt = pixels.regions === 0 ? () => NaN : (tp: number) => pixels.overlapAt(tp)
      const { fpr, height, thresholds } = traceCurve(pixels, overlapAt, limit, maxPoints)
      return { fpr, overlap: height, thresholds }
    }
    case 'cflow-ad':
      return sampleCflowAd(pixels, limit, samples(options, 1000))
    case 'mvtec-3d':
      return sampleMvtec3d(pixels, limit, samples(options, 100))
    default:
      throw unknownProtocol(options)
  }
}

/** Trapezoids between all thresholds, the last one cut at the limit; divided by the limit. */
function exactArea(pixels: PixelRanking, limit: number): number {
  const total = pixels.normalCount
  const walk = pixels.walk()
  let area = 0
  let x = 0
  let y = 0
  while (x < limit && walk.next()) {
    let nextX = walk.falsePositives / total
    let nextY = pixels.overlapAt(walk.truePositives)
    if (nextX > limit) {
      nextY = y + ((nextY - y) * (limit - x)) / (nextX - x)
      nextX = limit
    }
    area += ((nextX - x) * (nextY + y)) / 2
    x = nextX
    y = nextY
  }
  return area / limit
}

function trapezoid(x: Float64Array, y: Float64Array): number {
  let area = 0
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2
  return area
}

function samples({ thresholds }: ProOptions, byDefault: number): number {
  if (thresholds !== undefined) requireInteger('thresholds', thresholds, 2)
  return thresholds ?? byDefault
}

function requireLimit(limit: number): void {
  if (!(limit > 0 && limit <= 1))
    throw new RangeError(`the limit of the false-positive rate must be in (0, 1], got ${limit}`)
}

function unknownProtocol({ protocol }: ProOptions): RangeError {
  return new RangeError(`protocol must be exact, cflow-ad or mvtec-3d, got ${String(protocol)}`)
}
