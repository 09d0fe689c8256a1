import type { ReportInput, ReportScore } from './input.js'

export interface Verdict {
  readonly called: 'good' | 'anomalous'
  /** How that compares with the label. */
  readonly outcome: 'right' | 'missed' | 'false alarm' | 'not known'
}

/** What the detector calls an image: anomalous above the threshold. */
export function verdictOf({ score, label }: ReportScore, threshold: number): Verdict {
  const called = score > threshold ? 'anomalous' : 'good'
  if (label === 'unknown') return { called, outcome: 'not known' }
  if (called === label) return { called, outcome: 'right' }
  return { called, outcome: label === 'good' ? 'false alarm' : 'missed' }
}

/** The threshold that verdicts in the report are made with: the calibrated one, in the units of the test's scores. */
export function imageThreshold(input: ReportInput): number {
  return input.evaluation?.operatingPoint?.threshold ?? input.manifest.calibration.threshold
}

/** How many images there are and how many of them are called anomalous. */
export interface Tally {
  readonly images: number
  readonly called: number
}

export function tally(scores: readonly ReportScore[], threshold: number): Tally {
  return {
    images: scores.length,
    called: scores.filter((s) => verdictOf(s, threshold).called === 'anomalous').length,
  }
}

/**
 * 95 % interval of a rate (Wilson 1927): how far chance alone may have moved what was counted.
 * @returns NaN twice without trials
 */
export function wilson(hits: number, trials: number): readonly [low: number, high: number] {
  const z = 1.959964
  const p = hits / trials
  const centre = p + (z * z) / (2 * trials)
  const reach = z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))
  const scale = 1 + (z * z) / trials
  return [Math.max(0, (centre - reach) / scale), Math.min(1, (centre + reach) / scale)]
}
