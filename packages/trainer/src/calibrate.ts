import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { detectorNames, detectorOutputs, statisticsOf, writeDetector } from '@cflow/core'
import type { Manifest, ScaleFlow, ScaleStatistics } from '@cflow/core'
import { input, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { calibrationOf } from './calibration.js'
import type { CalibrationSource } from './calibration.js'
import { likelihoodModel } from './encoding.js'
import type { EncoderModel, ScaleShape } from './encoding.js'

/** Resized pixels, uint8 [S, S, 3], one image after the other. */
export type Pixels = () => AsyncIterable<Uint8Array>

const feed = (size: number, pixels: Uint8Array): Record<string, Tensor> => ({
  [detectorNames.image]: tensor('uint8', [1, size, size, 3], pixels),
})

/** Likelihoods per dimension of normal images: per scale, float32 [h·w] image by image. */
async function normalLikelihoods(
  runtime: Runtime,
  model: EncoderModel,
  flows: readonly ScaleFlow[],
  images: Pixels,
  onImage: (done: number) => void,
): Promise<Float32Array[][]> {
  const session = await runtime.createSession(likelihoodModel(model, flows))
  const parts = flows.map((): Float32Array[] => [])
  let done = 0
  for await (const pixels of images()) {
    const got = await session.run(feed(model.inputSize, pixels))
    parts.forEach((list, k) => list.push(got[detectorNames.logLikelihood(k)]?.data as Float32Array))
    onImage(++done)
  }
  await session.release()
  return parts
}

/** @param parts likelihoods of each image, [h·w] */
export function statisticsOfScale(
  scale: Pick<ScaleShape, 'depth' | 'height' | 'width'>,
  parts: readonly Float32Array[],
): ScaleStatistics {
  const { depth, height, width } = scale
  const values = new Float32Array(parts.length * height * width)
  parts.forEach((l, i) => values.set(l, i * height * width))
  return statisticsOf({ depth, height, width, values })
}

/** Scores of images whose likelihoods are known: the last part of the detector's graph. */
async function scoresOf(
  runtime: Runtime,
  model: EncoderModel,
  aggregation: Manifest['aggregation'],
  statistics: readonly ScaleStatistics[],
  likelihoods: readonly (readonly Float32Array[])[],
): Promise<number[]> {
  const shapes = model.scales.map((s) => [1, s.height, s.width])
  const inputs = shapes.map((shape, k) => input(detectorNames.logLikelihood(k), 'float32', shape))
  const outputs = detectorOutputs(inputs, aggregation, statistics, model.inputSize)
  const score = outputs[detectorNames.score] as Value
  const session = await runtime.createSession(writeOnnx({ [detectorNames.score]: score }))
  const scores: number[] = []
  for (const i of (likelihoods[0] as readonly Float32Array[]).keys()) {
    const feeds = shapes.map((shape, k) => {
      const l = likelihoods[k]?.[i] as Float32Array
      return [detectorNames.logLikelihood(k), tensor('float32', shape, l)] as const
    })
    const got = await session.run(Object.fromEntries(feeds))
    scores.push(got[detectorNames.score]?.data[0] as number)
  }
  await session.release()
  return scores
}

/**
 * The detector file with its thresholds: likelihoods of the calibration images, their statistics at every scale (DESIGN,
 * Score), the scores that follow from both, then the file.
 */
export async function calibratedDetector(
  runtime: Runtime,
  model: EncoderModel,
  flows: readonly ScaleFlow[],
  draft: Omit<Manifest, 'scales' | 'calibration'>,
  source: CalibrationSource,
  images: Pixels,
  onImage: (done: number) => void,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const likelihoods = await normalLikelihoods(runtime, model, flows, images, onImage)
  const scales = model.scales.map((s, k) =>
    statisticsOfScale(s, likelihoods[k] as readonly Float32Array[]),
  )
  const scores = await scoresOf(runtime, model, draft.aggregation, scales, likelihoods)
  const manifest: Manifest = { ...draft, scales, calibration: calibrationOf(scores, source) }
  return { model: writeDetector(model.encoder, flows, manifest), manifest }
}
