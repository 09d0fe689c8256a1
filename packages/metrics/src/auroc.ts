import type { Labels, Scores } from './scores.js'
import type { Ranking } from './ranking.js'
import { rankByLabel } from './sorted-scores.js'

/**
 * Area under the receiver operating characteristic, in [0, 1]: the probability that an anomalous
 * score exceeds a normal one, ties counting half (the Mann–Whitney statistic; Fawcett 2006, "An
 * introduction to ROC analysis"). Exact over all thresholds, O(n) for float32 scores.
 *
 * NaN when only one class is present: a set without defects (or with nothing else) has no AUROC.
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function auroc(scores: Scores, labels: Labels): number {
  return aurocOf(rankByLabel(scores, labels))
}

/** `auroc` of scores that are already ranked. */
export function aurocOf(ranking: Ranking): number {
  return doubledArea(ranking) / 2 / (ranking.normalCount * ranking.anomalousCount)
}

/**
 * Twice the number of pairs of a normal and an anomalous score in which the anomalous one is higher, ties counting one:
 * twice the Mann–Whitney statistic. It adds up over parts of either class.
 */
export function doubledArea(ranking: Ranking): number {
  const walk = ranking.walk()
  let area = 0 // an integer, exact up to 2^53
  let tp = 0
  let fp = 0
  while (walk.next()) {
    area += (walk.falsePositives - fp) * (walk.truePositives + tp)
    tp = walk.truePositives
    fp = walk.falsePositives
  }
  return area
}
