import type { Labels, Scores } from './scores.js'
import type { Ranking } from './ranking.js'
import { rankByLabel } from './sorted-scores.js'

/** The best F1 and where it is reached. */
export interface F1Max {
  readonly f1: number
  /** The score at which it is reached: a score ≥ threshold is predicted anomalous. */
  readonly threshold: number
  readonly precision: number
  readonly recall: number
}

/**
 * The largest F1 = 2·P·R / (P + R) over all thresholds, exact. Predicted anomalous is score ≥
 * threshold; the threshold is one of the scores, and of several equally good ones the highest
 * (fewest alarms). The authors choose their segmentation threshold this way (cflow-ad, train.py).
 *
 * All four fields are NaN when nothing is anomalous.
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function f1Max(scores: Scores, labels: Labels): F1Max {
  return f1MaxOf(rankByLabel(scores, labels))
}

/** `f1Max` of scores that are already ranked. */
export function f1MaxOf(ranking: Ranking): F1Max {
  const positives = ranking.anomalousCount
  if (positives === 0) return { f1: NaN, threshold: NaN, precision: NaN, recall: NaN }
  const walk = ranking.walk()
  let best = -1
  let threshold = NaN
  let tp = 0
  let fp = 0
  while (walk.next()) {
    const f1 = (2 * walk.truePositives) / (walk.truePositives + walk.falsePositives + positives)
    if (f1 <= best) continue
    best = f1
    threshold = walk.threshold
    tp = walk.truePositives
    fp = walk.falsePositives
  }
  return { f1: best, threshold, precision: tp / (tp + fp), recall: tp / positives }
}
