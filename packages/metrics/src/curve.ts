import { requireInteger, type Labels, type Scores } from './scores.js'
import type { Ranking } from './ranking.js'
import { rankByLabel } from './sorted-scores.js'

/** Points of an increasing curve over the false-positive rate. */
export interface RatePoints {
  /** False-positive rate, ascending, starting at 0. */
  readonly fpr: Float64Array
  /** The curve's height at each rate. */
  readonly height: Float64Array
  /** Threshold of each point (predicted anomalous is score ≥ threshold), descending from +∞. */
  readonly thresholds: Float64Array
}

/** The receiver operating characteristic. */
export interface RocCurve {
  /** False-positive rate, ascending from 0 to 1. */
  readonly fpr: Float64Array
  /** True-positive rate (recall), ascending from 0 to 1. */
  readonly tpr: Float64Array
  /** Threshold of each point (predicted anomalous is score ≥ threshold), descending from +∞. */
  readonly thresholds: Float64Array
}

/**
 * The receiver operating characteristic for plotting, thinned to at most `maxPoints`. Every point
 * lies on the exact curve; with as many points as thresholds or more, none is left out.
 * Otherwise neighbouring points are about 2 / maxPoints apart in one rate or the other.
 *
 * Rates of a class that is absent are NaN.
 *
 * @throws RangeError when the lengths differ, a score is NaN, or maxPoints is less than 2
 */
export function rocCurve(scores: Scores, labels: Labels, maxPoints = 1000): RocCurve {
  return rocCurveOf(rankByLabel(scores, labels), maxPoints)
}

/** `rocCurve` of scores that are already ranked. */
export function rocCurveOf(ranking: Ranking, maxPoints: number): RocCurve {
  const total = ranking.anomalousCount
  const points = traceCurve(ranking, (truePositives) => truePositives / total, 1, maxPoints)
  return { fpr: points.fpr, tpr: points.height, thresholds: points.thresholds }
}

/**
 * At most `maxPoints` points of an increasing curve `height(truePositives)`, from 0 to 1, over the
 * false-positive rate. It ends where it reaches `limit`; if it would step over it, the last point is
 * interpolated linearly and carries the threshold of the step. With limit 1 it runs to the end.
 */
export function traceCurve(
  ranking: Ranking,
  height: (truePositives: number) => number,
  limit: number,
  maxPoints: number,
): RatePoints {
  requireInteger('maxPoints', maxPoints, 2)
  const total = ranking.normalCount
  // Each kept point advances one of the two rates by a step, so both together fit into maxPoints.
  const steps = Math.max(0, Math.floor((maxPoints - 2) / 2))
  const keepAll = countThresholds(ranking, limit * total) + 1 <= maxPoints
  const stepX = limit / steps
  const stepY = 1 / steps
  const fpr = [0 / total]
  const heights = [height(0)]
  const thresholds = [Infinity]
  const walk = ranking.walk()
  let threshold = Infinity
  let [x, y] = [0, 0]
  let [keptX, keptY] = [0, 0]
  let kept = true
  const keep = (): void => {
    fpr.push(x)
    heights.push(y)
    thresholds.push(threshold)
    keptX = x
    keptY = y
  }
  while ((x < limit || limit === 1) && walk.next()) {
    threshold = walk.threshold
    const nextX = walk.falsePositives / total
    const nextY = height(walk.truePositives)
    const beyond = nextX > limit
    y = beyond ? y + ((nextY - y) * (limit - x)) / (nextX - x) : nextY
    x = beyond ? limit : nextX
    kept = keepAll || x - keptX >= stepX || y - keptY >= stepY
    if (kept) keep()
  }
  if (!kept) keep()
  return {
    fpr: Float64Array.from(fpr),
    height: Float64Array.from(heights),
    thresholds: Float64Array.from(thresholds),
  }
}

/** Distinct thresholds up to the first one with more than `maxFalsePositives`, that one included. */
function countThresholds(ranking: Ranking, maxFalsePositives: number): number {
  const walk = ranking.walk()
  let count = 0
  while (walk.next()) {
    count++
    if (walk.falsePositives > maxFalsePositives) break
  }
  return count
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
