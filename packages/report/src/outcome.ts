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
