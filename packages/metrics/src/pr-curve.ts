import { requireInteger, type Labels, type Scores } from './scores.js'
import type { Ranking } from './ranking.js'
import { rankByLabel } from './sorted-scores.js'

/** Precision against recall. */
export interface PrCurve {
  /** Recall, ascending from 0 to 1. */
  readonly recall: Float64Array
  /** Precision at each recall; 1 at the first point, where nothing is predicted anomalous. */
  readonly precision: Float64Array
  /** Threshold of each point (predicted anomalous is score ≥ threshold), descending from +∞. */
  readonly thresholds: Float64Array
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
  const total = ranking.anomalousCount
  const keepAll = fits(ranking, maxPoints - 1)
  const step = Math.max(total, 1) / (maxPoints - 2)
  const recall = [0 / total]
  const precision = [1]
  const thresholds = [Infinity]
  const walk = ranking.walk()
  let keptAt = 0
  let kept = true
  const keep = (): void => {
    keptAt = walk.truePositives
    recall.push(walk.truePositives / total)
    precision.push(walk.truePositives / (walk.truePositives + walk.falsePositives))
    thresholds.push(walk.threshold)
  }
  while (walk.next()) {
    kept = keepAll || walk.truePositives - keptAt >= step
    if (kept) keep()
  }
  if (!kept) keep()
  return {
    recall: Float64Array.from(recall),
    precision: Float64Array.from(precision),
    thresholds: Float64Array.from(thresholds),
  }
}

/** True when there are at most `most` distinct thresholds. */
function fits(ranking: Ranking, most: number): boolean {
  const walk = ranking.walk()
  let count = 0
  while (count <= most && walk.next()) count++
  return count <= most
}
