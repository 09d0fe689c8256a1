import { thresholdAt } from '@cflow/core'
import type { Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { evenly } from './held-out.js'
import type { Split } from './held-out.js'

/** Images that are calibrated with at most, evenly spread: more say nothing new, and their likelihoods are in memory. */
const most = 4096

/** What the images are that a detector is calibrated with. */
export interface CalibrationSource {
  readonly source: Manifest['calibration']['source']
  /** Whether the images were taken independently of one another; no rate is guaranteed for frames of a video. */
  readonly independent: boolean
  readonly falsePositiveRate: number
}

export const areIndependent = (samples: readonly Sample[]): boolean =>
  samples.every((s) => s.sequence === undefined)

/** The held-out images, or the training images where none are held out. */
export function calibrationSet(
  samples: readonly Sample[],
  { training, heldOut }: Split,
  { falsePositiveRate }: { readonly falsePositiveRate: number },
): CalibrationSource & { readonly indices: readonly number[] } {
  return {
    source: heldOut.length > 0 ? 'held-out' : 'training',
    independent: areIndependent(samples),
    falsePositiveRate,
    indices: evenly(heldOut.length > 0 ? heldOut : training, most),
  }
}

/** The thresholds of a detector: its scores of normal images, and their conformal quantile. */
export function calibrationOf(
  scores: readonly number[],
  { source, independent, falsePositiveRate }: CalibrationSource,
): Manifest['calibration'] {
  const sorted = [...scores].sort((a, b) => a - b)
  const { threshold, guaranteed } = thresholdAt(sorted, falsePositiveRate)
  return {
    source,
    scores: sorted,
    falsePositiveRate,
    threshold,
    guaranteed: source === 'held-out' && independent && guaranteed,
  }
}
