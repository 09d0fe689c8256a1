import type { ProCurve } from './curve.js'
import type { PixelRanking } from './pixel-ranking.js'

/**
 * The PRO curve as the evaluation code of MVTec 3D-AD samples it (Bergmann et al. 2022): thresholds
 * are the normal scores at `count` evenly spaced ranks r, the false-positive rate is 1 − (r + 1)/n
 * (so ties are not counted out), predicted anomalous is score > threshold, and (1, 1) is added.
 * The curve is cut at the limit by linear interpolation.
 */
export function sampleMvtec3d(pixels: PixelRanking, limit: number, count: number): ProCurve {
  const n = pixels.normalCount
  const fpr: number[] = []
  const overlap: number[] = []
  const thresholds: number[] = []
  for (let k = count - 1; k >= -1 && n > 0; k--) {
    const rank = rankOf(k, n, count)
    const threshold = k < 0 ? -Infinity : pixels.normalAt(rank)
    const rate = 1 - (rank + 1) / n
    const share = k < 0 ? 1 : pixels.overlapAbove(threshold)
    if (rate <= limit) {
      fpr.push(rate)
      overlap.push(share)
      thresholds.push(threshold)
      continue
    }
    const x = fpr.at(-1)!
    const y = overlap.at(-1)!
    if (x < limit) {
      fpr.push(limit)
      overlap.push(y + ((share - y) * (limit - x)) / (rate - x))
      thresholds.push(threshold)
    }
    break
  }
  return {
    fpr: Float64Array.from(fpr),
    overlap: Float64Array.from(overlap),
    thresholds: Float64Array.from(thresholds),
  }
}

/** NumPy's `linspace(0, n − 1, count, dtype=int)[k]`, its last element exact; −1 before the first. */
function rankOf(k: number, n: number, count: number): number {
  if (k < 0) return -1
  return k === count - 1 ? n - 1 : Math.floor(k * ((n - 1) / (count - 1)))
}
