import type { ProCurve } from './curve.js'
import type { FloatArray } from './scores.js'
import { countAbove } from './sorted-scores.js'
import { filledOverlapAbove, type SortedPixels } from './sorted-pixels.js'

/**
 * The PRO curve as the authors sample it (gudovskiy/cflow-ad, train.py, after YoungGod/DFR):
 * threshold k of n is max − k·(max − min)/n over all scores, predicted anomalous is score >
 * threshold, and a region's overlap counts the predicted pixels of its filled image (holes
 * included) over its own area. Points with a false-positive rate above the limit are left out.
 *
 * @throws RangeError when a score is infinite
 */
export function sampleCflowAd(pixels: SortedPixels, limit: number, count: number): ProCurve {
  const { normal, anomalous } = pixels.byClass
  const high = Math.max(last(normal), last(anomalous))
  const low = Math.min(normal[0] ?? Infinity, anomalous[0] ?? Infinity)
  if (normal.length + anomalous.length > 0 && !Number.isFinite(high - low))
    throw new RangeError('the cflow-ad protocol needs finite scores')
  const delta = (high - low) / count
  const fpr: number[] = []
  const overlap: number[] = []
  const thresholds: number[] = []
  for (let step = 0; step < count; step++) {
    const threshold = high - step * delta
    const rate = countAbove(normal, threshold) / normal.length
    if (rate > limit) break
    fpr.push(rate)
    overlap.push(filledOverlapAbove(pixels, threshold))
    thresholds.push(threshold)
  }
  return {
    fpr: Float64Array.from(fpr),
    overlap: Float64Array.from(overlap),
    thresholds: Float64Array.from(thresholds),
  }
}

function last(ascending: FloatArray): number {
  return ascending.at(-1) ?? -Infinity
}
