import type { Manifest } from '@cflow/core'
import type { Judged } from './input.js'

/** How what the detector calls an image compares with its label. */
export function outcomeOf({ label, anomalous }: Pick<Judged, 'label' | 'anomalous'>) {
  if (label === 'unknown') return 'not known'
  if (anomalous === (label === 'anomalous')) return 'right'
  return anomalous ? 'false alarm' : 'missed'
}

/** How many images there are of a label, or of a type of defect, and how many of them are called anomalous. */
export interface Tally {
  readonly images: number
  readonly called: number
}

export function tally(scores: readonly Judged[], label: Judged['label'], defect?: string): Tally {
  const own = scores.filter((s) => s.label === label && s.defect === (defect ?? s.defect))
  return { images: own.length, called: own.filter((s) => s.anomalous).length }
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

/**
 * How many of the good images are the very ones that set a detector's threshold: the stored scores are theirs, to the last
 * digits. 0 where less than half of the stored scores are found, which is chance. Scores of images that were judged in folds
 * are those of other trainings, and tell nothing.
 */
export function ownEvidence(scores: readonly Judged[], { calibration }: Manifest): number {
  const stored = calibration.scores
  if (calibration.source === 'folds' || stored.length < 3) return 0
  const spread = Math.max(...stored.map(Math.abs), 1e-12)
  const good = scores.filter((s) => s.label === 'good').map((s) => s.score)
  good.sort((a, b) => a - b)
  let [found, at] = [0, 0]
  for (const score of stored) {
    while (at < good.length && good[at]! < score - 1e-6 * spread) at++
    if (at < good.length && good[at]! <= score + 1e-6 * spread) [found, at] = [found + 1, at + 1]
  }
  return 2 * found >= stored.length ? found : 0
}
