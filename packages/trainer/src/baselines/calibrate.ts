import { thresholdAt } from '@cflow/core'
import type { Manifest } from '@cflow/core'
import type { Pixels } from '../calibrate.js'
import type { Scorer } from '../scorer.js'

/** The thresholds of a detector: its scores of normal images, and their conformal quantile. */
export async function calibration(
  scorer: Scorer,
  options: {
    readonly source: Manifest['calibration']['source']
    readonly falsePositiveRate: number
    readonly size: number
    readonly images: Pixels
  },
  onImage: (done: number) => void,
): Promise<Manifest['calibration']> {
  const { source, falsePositiveRate, size } = options
  const scores: number[] = []
  for await (const data of options.images()) {
    const { score } = await scorer.score({ width: size, height: size, data })
    onImage(scores.push(score))
  }
  scores.sort((a, b) => a - b)
  const { threshold, guaranteed } = thresholdAt(scores, falsePositiveRate)
  return {
    source,
    scores,
    falsePositiveRate,
    threshold,
    guaranteed: source === 'held-out' && guaranteed,
  }
}
