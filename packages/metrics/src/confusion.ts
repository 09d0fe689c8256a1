import { splitByLabel, type Labels, type Scores } from './scores.js'

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
 *
 * @param scores one per image or pixel, higher is more anomalous
 * @param labels one per score, non-zero or true is anomalous
 * @throws RangeError when the lengths differ, or a score or the threshold is NaN
 */
export function confusionAt(scores: Scores, labels: Labels, threshold: number): Confusion {
  requireThreshold(threshold)
  const { normal, anomalous } = splitByLabel(scores, labels)
  let tp = 0
  let fp = 0
  for (let i = 0; i < anomalous.length; i++) if (anomalous[i]! >= threshold) tp++
  for (let i = 0; i < normal.length; i++) if (normal[i]! >= threshold) fp++
  return confusion(tp, fp, normal.length, anomalous.length)
}

/** @throws RangeError when the threshold is NaN */
export function requireThreshold(threshold: number): void {
  if (Number.isNaN(threshold)) throw new RangeError('the threshold is NaN')
}

/** The confusion matrix from the predicted and the actual number of each class. */
export function confusion(tp: number, fp: number, normal: number, anomalous: number): Confusion {
  const tn = normal - fp
  return {
    tp,
    fp,
    tn,
    fn: anomalous - tp,
    precision: tp / (tp + fp),
    recall: tp / anomalous,
    accuracy: (tp + tn) / (normal + anomalous),
  }
}
