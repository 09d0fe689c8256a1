import type { ProCurve } from './curve.js'
import type { PixelRanking } from './pixel-ranking.js'

/**
 * The PRO curve as the authors sample it (gudovskiy/cflow-ad, train.py, after YoungGod/DFR):
 * threshold k of n is max − k·(max − min)/n over all scores, predicted anomalous is score >
 * threshold, and a region's overlap counts the predicted pixels of its filled image (holes
 * included) over its own area. Points with a false-positive rate above the limit are left out.
 *
 * @throws RangeError when a score is infinite
 */
export function sampleCflowAd(pixels: PixelRanking, limit: number, count: number): ProCurve {
  const { normalCount, anomalousCount, highest: high, lowest: low } = pixels
  if (normalCount + anomalousCount > 0 && !Number.isFinite(high - low))
    throw new RangeError('the cflow-ad protocol needs finite scores')
  const delta = (high - low) / count
  const fpr: number[] = []
  const overlap: number[] = []
  const thresholds: number[] = []
  for (let step = 0; step < count; step++) {
    const threshold = high - step * delta
    const rate = pixels.normalAbove(threshold) / normalCount
    if (rate > limit) break
    fpr.push(rate)
    overlap.push(pixels.filledOverlapAbove(threshold))
    thresholds.push(threshold)
  }
  return {
    fpr: Float64Array.from(fpr),
    overlap: Float64Array.from(overlap),
    thresholds: Float64Array.from(thresholds),
  }
}
