import { imageTensor, tensor, type Tensor } from '@cflow/base'
import {
  detectorNames,
  evidenceModel,
  largestScore,
  thresholdAt,
  writeDetector,
  type Head,
  type Manifest,
} from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { input, writeOnnx } from '@cflow/graph'
import { methodOf, type Learned } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'

/** Recorded in detector files. Kept equal to the package's version by a test. */
export const software = { name: 'cflow', version: '0.1.0' } as const

/** Good images to calibrate a detector with. */
export interface CalibrationImages extends Pick<Manifest['calibration'], 'source' | 'folds'> {
  /** What the head, or one like it, found in them. */
  readonly found: Found
  /** Whether the images were taken independently of one another; no rate is guaranteed for frames of a video. */
  readonly independent: boolean
  readonly falsePositiveRate: number
  /** With which the rate holds for this very detector; on average when absent or 0. */
  readonly confidence?: number
}

export const areIndependent = (samples: readonly Sample[]): boolean =>
  samples.every((s) => s.sequence === undefined)

/**
 * The detector file with its thresholds: what the head finds in the calibration images, its statistics (DESIGN, Score), the
 * scores that follow from both, their conformal quantile, then the file.
 */
export async function calibratedDetector(
  runtime: Runtime,
  encoder: EncoderModel,
  { head, manifest = {} }: Learned,
  about: Pick<Manifest, 'method' | 'category' | 'recipe' | 'training'>,
  images: CalibrationImages,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const { spec, taps, inputSize } = encoder
  const { found } = images
  const byName = Object.fromEntries([...found].map(([name, { images }]) => [name, images]))
  const scales = [...(head.statistics?.(byName) ?? [])]
  const scores = await scoresOf(runtime, head, found, inputSize, scales)
  const aggregation = manifest.aggregation ?? 'joint'
  const complete: Manifest = {
    format: 'cflow-detector',
    version: 1,
    software,
    title: methodOf(about.method).title,
    ...(manifest.settings && { settings: manifest.settings }),
    ...about,
    encoder: {
      name: spec.name,
      ...(spec.digest !== undefined && { digest: spec.digest }),
      ...(spec.batch !== undefined && { batch: spec.batch }),
      mean: [...spec.mean],
      std: [...spec.std],
      taps: [...taps],
    },
    inputSize,
    flows: (head.flows ?? []).map((f) => f.config),
    aggregation,
    ...(manifest.memory && { memory: manifest.memory }),
    ...(manifest.scoreShare !== undefined && { scoreShare: manifest.scoreShare }),
    scales,
    calibration: calibrationOf(scores, largestScore(aggregation, scales), images),
  }
  return { model: writeDetector(encoder.encoder, head, complete), manifest: complete }
}

/** What was found in images, by name of the evidence: the shape for one image, and the numbers image by image. */
export type Found = ReadonlyMap<string, { readonly shape: readonly number[]; readonly images: Float32Array[] }> // prettier-ignore

/**
 * The first step of a head on images.
 * @param pixels resized, uint8 [S, S, 3], one image after the other
 */
export async function evidenceOf(
  runtime: Runtime,
  { encoder, inputSize: size }: Pick<EncoderModel, 'encoder' | 'inputSize'>,
  head: Head,
  pixels: AsyncIterable<Uint8Array>,
  onImage: (done: number) => void,
): Promise<Found> {
  const session = await runtime.createSession(evidenceModel(encoder, head, size))
  const found = new Map<string, { shape: readonly number[]; images: Float32Array[] }>()
  let done = 0
  for await (const data of pixels) {
    const image = imageTensor({ width: size, height: size, data })
    const got = await session.run({ [detectorNames.image]: image })
    for (const [name, { shape, data }] of Object.entries(got)) {
      const known = found.get(name) ?? { shape, images: [] }
      known.images.push(data as Float32Array)
      found.set(name, known)
    }
    onImage(++done)
  }
  await session.release()
  return found
}

/** Scores of images, by the second step of a head. */
export async function scoresOf(
  ...about: [Runtime, Head, Found, size: number, statistics: Manifest['scales']]
): Promise<number[]> {
  const scores: number[] = []
  for await (const { score } of verdictsOf(...about)) scores.push(score)
  return scores
}

/** Anomaly map [S, S] and score of images, by the second step of a head. */
export async function* verdictsOf(
  runtime: Runtime,
  head: Head,
  found: Found,
  size: number,
  statistics: Manifest['scales'],
): AsyncGenerator<{ readonly map: Float32Array; readonly score: number }> {
  // an input must not have the name of the output
  const given = (name: string) => `given.${name}`
  const evidence = [...found].map(
    ([name, { shape }]) => [name, input(given(name), 'float32', shape)] as const,
  )
  const { score, map } = head.verdict(Object.fromEntries(evidence), size, statistics)
  const session = await runtime.createSession(
    writeOnnx({ [detectorNames.score]: score, [detectorNames.anomalyMap]: map }),
  )
  const needed = [...found].filter(([name]) => session.inputs.includes(given(name)))
  for (const i of needed[0]?.[1].images.keys() ?? []) {
    const feeds = needed.map(([name, { shape, images }]): [string, Tensor] => [
      given(name),
      tensor('float32', shape, images[i] as Float32Array),
    ])
    const got = await session.run(Object.fromEntries(feeds))
    yield {
      score: got[detectorNames.score]?.data[0] as number,
      map: got[detectorNames.anomalyMap]?.data as Float32Array,
    }
  }
  await session.release()
}

/** The thresholds of a detector: its scores of normal images, and their conformal quantile. */
function calibrationOf(
  scores: readonly number[],
  bound: number,
  { source, folds, independent, falsePositiveRate, confidence = 0 }: CalibrationImages,
): Manifest['calibration'] {
  const sorted = [...scores].sort((a, b) => a - b)
  const { threshold, guaranteed } = thresholdAt(sorted, falsePositiveRate, bound, confidence)
  return {
    source,
    ...(folds !== undefined && { folds }),
    scores: sorted,
    falsePositiveRate,
    threshold,
    guaranteed: source === 'held-out' && independent && guaranteed,
    ...(confidence > 0 && { confidence }),
  }
}
