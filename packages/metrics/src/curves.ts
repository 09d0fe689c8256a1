import { countFrom, rankByLabel, walkDown, type Ranking, type Walk } from './ranking.js'
import { requireInteger, type Labels, type Scores } from './scores.js'

/** The receiver operating characteristic. */
export interface RocCurve {
  /** False-positive rate, ascending from 0 to 1. */
  readonly fpr: Float64Array
  /** True-positive rate (recall), ascending from 0 to 1. */
  readonly tpr: Float64Array
  /** Threshold of each point (predicted anomalous is score ≥ threshold), descending from +∞. */
  readonly thresholds: Float64Array
}

/** Precision against recall. */
export interface PrCurve {
  /** Recall, ascending from 0 to 1. */
  readonly recall: Float64Array
  /** Precision at each recall; 1 at the first point, where nothing is predicted anomalous. */
  readonly precision: Float64Array
  /** Threshold of each point (predicted anomalous is score ≥ threshold), descending from +∞. */
  readonly thresholds: Float64Array
}

/** Points of a curve in the making. */
export function points() {
  const [xs, ys, thresholds]: [number[], number[], number[]] = [[], [], []]
  return {
    add(x: number, y: number, threshold: number): void {
      xs.push(x)
      ys.push(y)
      thresholds.push(threshold)
    },
    last: () => ({ x: xs.at(-1)!, y: ys.at(-1)!, threshold: thresholds.at(-1)! }),
    arrays: () => ({
      x: Float64Array.from(xs),
      y: Float64Array.from(ys),
      thresholds: Float64Array.from(thresholds),
    }),
  }
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
  const total = countFrom(ranking.anomalous)
  const height = ({ truePositives }: Walk): number => truePositives / total
  const { x, y, thresholds } = thinnedCurve(ranking, height, 1, maxPoints)
  return { fpr: x, tpr: y, thresholds }
}

/**
 * Visits the points of an increasing curve over the false-positive rate, one for each threshold after the first point
 * at a rate of 0. It ends where it reaches `limit`; if it would step over it, the last point is interpolated linearly and
 * carries the threshold of the step. With limit 1 it runs to the end.
 * @param height of the curve at a threshold
 * @returns the last point
 */
export function followCurve(
  ranking: Ranking,
  height: (walk: Walk) => number,
  limit: number,
  visit: (x: number, y: number, threshold: number) => void,
) {
  const total = countFrom(ranking.normal)
  const walk = walkDown(ranking)
  let [x, y] = [0, 0]
  while ((x < limit || limit === 1) && walk.next()) {
    const nextX = walk.falsePositives / total
    const nextY = height(walk)
    const beyond = nextX > limit
    y = beyond ? y + ((nextY - y) * (limit - x)) / (nextX - x) : nextY
    x = beyond ? limit : nextX
    visit(x, y, walk.threshold)
  }
  return { x, y, threshold: walk.threshold }
}

/** At most `maxPoints` points of such a curve, from 0 to 1. */
export function thinnedCurve(
  ranking: Ranking,
  height: (walk: Walk) => number,
  limit: number,
  maxPoints: number,
) {
  requireInteger('maxPoints', maxPoints, 2)
  const total = countFrom(ranking.normal)
  // Each kept point advances one of the two rates by a step, so both together fit into maxPoints.
  const steps = Math.max(0, Math.floor((maxPoints - 2) / 2))
  const keepAll = fits(ranking, maxPoints - 1, limit * total)
  const stepX = limit / steps
  const stepY = 1 / steps
  const kept = points()
  kept.add(0 / total, height(walkDown(ranking)), Infinity)
  let [keptX, keptY] = [0, 0]
  const end = followCurve(ranking, height, limit, (x, y, threshold) => {
    if (!(keepAll || x - keptX >= stepX || y - keptY >= stepY)) return
    kept.add(x, y, threshold)
    keptX = x
    keptY = y
  })
  if (end.threshold !== kept.last().threshold) kept.add(end.x, end.y, end.threshold)
  return kept.arrays()
}

/**
 * The precision–recall curve for plotting, thinned to at most `maxPoints`. Every point lies on the
 * exact curve; with as many points as thresholds or more, none is left out. Otherwise
 * neighbouring points are about 1 / maxPoints of recall apart.
 *
 * Recall is NaN when nothing is anomalous.
 *
 * @throws RangeError when the lengths differ, a score is NaN, or maxPoints is less than 2
 */
export function prCurve(scores: Scores, labels: Labels, maxPoints = 1000): PrCurve {
  return prCurveOf(rankByLabel(scores, labels), maxPoints)
}

/** `prCurve` of scores that are already ranked. */
export function prCurveOf(ranking: Ranking, maxPoints: number): PrCurve {
  requireInteger('maxPoints', maxPoints, 2)
  const total = countFrom(ranking.anomalous)
  const keepAll = fits(ranking, maxPoints - 1)
  const step = Math.max(total, 1) / (maxPoints - 2)
  const kept = points()
  kept.add(0 / total, 1, Infinity)
  const walk = walkDown(ranking)
  let keptAt = 0
  const keep = (): void => {
    const { truePositives: tp, falsePositives: fp, threshold } = walk
    kept.add(tp / total, tp / (tp + fp), threshold)
    keptAt = tp
  }
  while (walk.next()) if (keepAll || walk.truePositives - keptAt >= step) keep()
  if (walk.threshold !== kept.last().threshold) keep()
  const { x, y, thresholds } = kept.arrays()
  return { recall: x, precision: y, thresholds }
}

/** Whether there are at most `max` distinct thresholds, up to the first one with too many false positives. */
function fits(ranking: Ranking, max: number, falsePositives = Infinity): boolean {
  const walk = walkDown(ranking)
  let count = 0
  while (count <= max && walk.falsePositives <= falsePositives && walk.next()) count++
  return count <= max
}
