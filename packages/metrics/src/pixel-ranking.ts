import type { HistogramOptions, ScoreHistogram } from './histogram.js'
import type { Ranking } from './ranking.js'

/** The pixels of a whole test set in order, and what their regions make of them. */
export interface PixelRanking extends Ranking {
  /** Number of 8-connected anomalous regions. */
  readonly regions: number
  /** Lowest and highest score; ∞ and −∞ without any. */
  readonly lowest: number
  readonly highest: number
  /** Mean over regions of the share covered by that many of the highest anomalous scores, at a threshold's number. */
  overlapAt(truePositives: number): number
  /** Mean covered share of the regions when scores > `threshold` are predicted anomalous. */
  overlapAbove(threshold: number): number
  /** The same with the holes of regions counted in the numerator; may exceed 1. */
  filledOverlapAbove(threshold: number): number
  /** Normal scores > `threshold`. */
  normalAbove(threshold: number): number
  /** The normal score at a 0-based rank, ascending. */
  normalAt(rank: number): number
  /** Scores of each class ≥ `threshold`. */
  atLeast(threshold: number): { readonly normal: number; readonly anomalous: number }
  histogram(options: HistogramOptions): ScoreHistogram
}
