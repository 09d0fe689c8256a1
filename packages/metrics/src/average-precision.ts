import type { Labels, Scores } from './scores.js'
import type { Ranking } from './ranking.js'
import { rankByLabel } from './sorted-scores.js'

/**
 * Average precision, in [0, 1]: Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over all distinct thresholds from the highest down,
 * the area under the precision–recall curve without interpolation (as scikit-learn's
 * `average_precision_score`).
 *
 * NaN when nothing is anomalous, since recall is undefined then.
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function averagePrecision(scores: Scores, labels: Labels): number {
  return averagePrecisionOf(rankByLabel(scores, labels))
}

/** `averagePrecision` of scores that are already ranked. */
export function averagePrecisionOf(ranking: Ranking): number {
  const walk = ranking.walk()
  let sum = 0
  let tp = 0
  while (walk.next()) {
    const found = walk.truePositives
    sum += ((found - tp) * found) / (found + walk.falsePositives)
    tp = found
  }
  return sum / ranking.anomalousCount
}
