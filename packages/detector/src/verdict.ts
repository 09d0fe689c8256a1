import { pValue, thresholdAt } from '@cflow/core'
import type { Manifest, Threshold } from '@cflow/core'
import type { Detection } from './detection.js'

/** A threshold and the false-positive rate it stands for. */
export type Operating = Threshold & { readonly falsePositiveRate: number }

/**
 * The threshold for a false-positive rate; the stored one without a rate. No rate is guaranteed where the detector was
 * calibrated on its own training images.
 * @throws CflowError USAGE when the rate does not lie between 0 and 1, EMPTY when a rate is asked for and the detector
 *   holds no scores to calibrate with
 */
export function operatingPoint({ calibration }: Manifest, rate: number | undefined): Operating {
  const { threshold, guaranteed } =
    rate === undefined ? calibration : thresholdAt(calibration.scores, rate)
  return {
    threshold,
    guaranteed: guaranteed && calibration.source === 'held-out',
    falsePositiveRate: rate ?? calibration.falsePositiveRate,
  }
}

/** The decision on a score. */
export function verdict(
  { calibration }: Manifest,
  score: number,
  { threshold, guaranteed, falsePositiveRate }: Operating,
): Omit<Detection, 'anomalyMap' | 'contributions' | 'milliseconds'> {
  return {
    score,
    threshold,
    anomalous: score > threshold,
    falsePositiveRate,
    guaranteed,
    pValue: pValue(calibration.scores, score),
  }
}
