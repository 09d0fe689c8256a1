import type { Labels, Scores } from './scores.js'
import { sortByLabel, ThresholdWalk, type SortedScores } from './sorted-scores.js'

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
  return aurocOf(sortByLabel(scores, labels))
}

/** `auroc` of scores that are already split and sorted. */
export function aurocOf(sorted: SortedScores): number {
  const walk = new ThresholdWalk(sorted)
  let doubledArea = 0 // an integer, exact up to 2^53
  let tp = 0
  let fp = 0
  while (walk.next()) {
    doubledArea += (walk.falsePositives - fp) * (walk.truePositives + tp)
    tp = walk.truePositives
    fp = walk.falsePositives
  }
  return doubledArea / 2 / (sorted.normal.length * sorted.anomalous.length)
}
