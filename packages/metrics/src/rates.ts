import { countAtLeast, countFrom, rankByLabel, walkDown, type Ranking } from './ranking.js'
import { requireNumber, type Labels, type Scores } from './scores.js'

// `xOf` is `x` of scores that are already ranked.

/**
 * Area under the receiver operating characteristic, in [0, 1]: the probability that an anomalous
 * score exceeds a normal one, ties counting half (the Mann–Whitney statistic; Fawcett 2006, "An
 * introduction to ROC analysis"). Exact over all thresholds, O(n) for float32 scores.
 *
 * NaN when only one class is present: a set without defects (or with nothing else) has no AUROC.
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ, a score is not a number, or a label neither a number nor true or false
 */
export function auroc(scores: Scores, labels: Labels): number {
  return aurocOf(rankByLabel(scores, labels))
}

export function aurocOf(ranking: Ranking): number {
  return doubledArea(ranking) / 2 / (countFrom(ranking.normal) * countFrom(ranking.anomalous))
}

/**
 * Twice the number of pairs of a normal and an anomalous score in which the anomalous one is higher, ties counting one:
 * twice the Mann–Whitney statistic. It adds up over parts of either class.
 */
export function doubledArea(ranking: Ranking): number {
  const walk = walkDown(ranking)
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

/** Share of the pairs of a normal and an anomalous score that are equal. */
export function tiesOf(ranking: Ranking): number {
  const walk = walkDown(ranking)
  let pairs = 0
  let tp = 0
  let fp = 0
  while (walk.next()) {
    pairs += (walk.falsePositives - fp) * (walk.truePositives - tp)
    tp = walk.truePositives
    fp = walk.falsePositives
  }
  return pairs / (fp * tp)
}

/**
 * Average precision, in [0, 1]: Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over all distinct thresholds from the highest down,
 * the area under the precision–recall curve without interpolation (as scikit-learn's
 * `average_precision_score`).
 *
 * NaN when nothing is anomalous, since recall is undefined then. Arguments and errors as `auroc`.
 */
export function averagePrecision(scores: Scores, labels: Labels): number {
  return averagePrecisionOf(rankByLabel(scores, labels))
}

export function averagePrecisionOf(ranking: Ranking): number {
  const walk = walkDown(ranking)
  let sum = 0
  let tp = 0
  while (walk.next()) {
    const found = walk.truePositives
    sum += ((found - tp) * found) / (found + walk.falsePositives)
    tp = found
  }
  return sum / countFrom(ranking.anomalous)
}

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
 * All four fields are NaN when nothing is anomalous. Arguments and errors as `auroc`.
 */
export function f1Max(scores: Scores, labels: Labels): F1Max {
  return f1MaxOf(rankByLabel(scores, labels))
}

export function f1MaxOf(ranking: Ranking): F1Max {
  const positives = countFrom(ranking.anomalous)
  if (positives === 0) return { f1: NaN, threshold: NaN, precision: NaN, recall: NaN }
  const walk = walkDown(ranking)
  let best = { f1: -1, threshold: NaN, precision: NaN, recall: NaN }
  while (walk.next()) {
    const { threshold, truePositives: tp, falsePositives: fp } = walk
    const f1 = (2 * tp) / (tp + fp + positives)
    if (f1 > best.f1) best = { f1, threshold, precision: tp / (tp + fp), recall: tp / positives }
  }
  return best
}

/** Counts and rates at one threshold. */
export interface Confusion {
  readonly tp: number
  readonly fp: number
  readonly tn: number
  readonly fn: number
  /** tp / (tp + fp); NaN when nothing is predicted anomalous. */
  readonly precision: number
  /** tp / (tp + fn); NaN when nothing is anomalous. */
  readonly recall: number
  /** (tp + tn) / all; NaN for an empty set. */
  readonly accuracy: number
}

/**
 * The confusion matrix at a threshold: predicted anomalous is score ≥ threshold.
 * Arguments and errors as `auroc`; also a RangeError when the threshold is NaN.
 */
export function confusionAt(scores: Scores, labels: Labels, threshold: number): Confusion {
  return confusionOf(rankByLabel(scores, labels), threshold)
}

export function confusionOf({ normal, anomalous }: Ranking, threshold: number): Confusion {
  requireNumber('the threshold', threshold)
  const tp = countAtLeast(anomalous, threshold)
  const fp = countAtLeast(normal, threshold)
  const fn = countFrom(anomalous) - tp
  const tn = countFrom(normal) - fp
  return {
    tp,
    fp,
    tn,
    fn,
    precision: tp / (tp + fp),
    recall: tp / (tp + fn),
    accuracy: (tp + tn) / (tp + fp + tn + fn),
  }
}
