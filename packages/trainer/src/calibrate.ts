import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import {
  detectorNames,
  encode,
  imageInput,
  likelihoodMap,
  statisticsOf,
  thresholdAt,
  writeDetector,
} from '@cflow/core'
import type { Manifest, ScaleFlow, ScaleStatistics } from '@cflow/core'
import { writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type { EncoderModel } from './encoding.js'

/** Resized pixels, uint8 [S, S, 3], one image after the other. */
export type Pixels = () => AsyncIterable<Uint8Array>

const feed = (size: number, pixels: Uint8Array): Record<string, Tensor> => ({
  [detectorNames.image]: tensor('uint8', [1, size, size, 3], pixels),
})

/** Statistics of the likelihoods of normal images at each scale (DESIGN, Score). */
export async function scaleStatistics(
  runtime: Runtime,
  model: EncoderModel,
  flows: readonly ScaleFlow[],
  images: Pixels,
): Promise<ScaleStatistics[]> {
  const maps = encode(imageInput(), model.encoder, model.inputSize)
  const session = await runtime.createSession(
    writeOnnx(
      Object.fromEntries(
        flows.map((f, k) => [`l${k}`, likelihoodMap(maps[k] as Value, f, `f${k}`)]),
      ),
    ),
  )
  const parts = flows.map((): Float32Array[] => [])
  for await (const pixels of images()) {
    const got = await session.run(feed(model.inputSize, pixels))
    parts.forEach((list, k) => list.push(got[`l${k}`]?.data as Float32Array))
  }
  await session.release()
  return parts.map((list, k) => {
    const { depth, height, width } = model.scales[k] as EncoderModel['scales'][number]
    const values = new Float32Array(list.reduce((n, a) => n + a.length, 0))
    let at = 0
    for (const a of list) {
      values.set(a, at)
      at += a.length
    }
    return statisticsOf({ depth, height, width, values })
  })
}

/**
 * The detector file with its thresholds: statistics of every scale first, then the scores that the detector itself
 * gives the calibration images, then the file with both.
 */
export async function calibratedDetector(
  runtime: Runtime,
  model: EncoderModel,
  flows: readonly ScaleFlow[],
  draft: Omit<Manifest, 'scales' | 'calibration'>,
  calibration: {
    readonly source: Manifest['calibration']['source']
    readonly falsePositiveRate: number
    readonly images: Pixels
  },
  onImage: (done: number) => void,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const scales = await scaleStatistics(runtime, model, flows, calibration.images)
  const { source, falsePositiveRate } = calibration
  const manifestWith = (scores: readonly number[]): Manifest => {
    const t = scores.length > 0 ? thresholdAt(scores, falsePositiveRate) : undefined
    return {
      ...draft,
      scales,
      calibration: {
        source,
        scores: [...scores],
        falsePositiveRate,
        threshold: t?.threshold ?? 0,
        guaranteed: source === 'held-out' && (t?.guaranteed ?? false),
      },
    }
  }
  const uncalibrated = writeDetector(model.encoder, flows, manifestWith([]))
  const session = await runtime.createSession(uncalibrated)
  const scores: number[] = []
  for await (const pixels of calibration.images()) {
    const got = await session.run(feed(model.inputSize, pixels), [detectorNames.score])
    scores.push(got[detectorNames.score]?.data[0] as number)
    onImage(scores.length)
  }
  await session.release()
  const manifest = manifestWith(scores.sort((a, b) => a - b))
  return { model: writeDetector(model.encoder, flows, manifest), manifest }
}
