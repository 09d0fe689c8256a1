import { CflowError, imageTensor, tensor, type Tensor } from '@cflow/base'
import {
  detectorNames,
  evidenceModel,
  largestScore,
  calibratedThreshold,
  thresholdAt,
  writeDetector,
  type Head,
  type Manifest,
} from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { checkReach } from '@cflow/detector'
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
  /** Their ids, in that order. */
  readonly ids: readonly string[]
  /** What the head found in defective images that it never learned from: the threshold is placed between. */
  readonly defects?: Found | undefined
  /** Whether the images were taken independently of one another; no rate is guaranteed for frames of a video. */
  readonly independent: boolean
  readonly falsePositiveRate: number
  /** With which the rate holds for this very detector; on average when absent or 0. */
  readonly confidence?: number
}

export const areIndependent = (samples: readonly Sample[]): boolean =>
  samples.every((s) => s.sequence === undefined)

/** A detector file, and what it was calibrated with. */
export interface Calibrated {
  readonly model: Uint8Array
  readonly manifest: Manifest
  /** Of the calibration images, in their order. */
  readonly scores: readonly number[]
  /** Of the known defects, in their order. */
  readonly defectScores: readonly number[]
}

/**
 * The detector file with its thresholds: what the head finds in the calibration images, its statistics (DESIGN, Score), the
 * scores that follow from both, their conformal quantile, then the file.
 * @throws CflowError RUNTIME when the scores are no numbers, MODEL when no score could be above the threshold
 */
export async function calibratedDetector(
  runtime: Runtime,
  encoder: EncoderModel,
  { head, manifest = {} }: Learned,
  about: Pick<Manifest, 'method' | 'category' | 'recipe' | 'training' | 'resize'>,
  images: CalibrationImages,
): Promise<Calibrated> {
  const { spec, taps, inputSize } = encoder
  const { found } = images
  const byName = Object.fromEntries([...found].map(([name, { images }]) => [name, images]))
  const scales = [...(head.statistics?.(byName) ?? [])]
  const scores = await scoresOf(runtime, head, found, inputSize, scales)
  const defectScores = images.defects
    ? await scoresOf(runtime, head, images.defects, inputSize, scales)
    : []
  const { settings, aggregation = 'joint', ...own } = manifest
  const complete: Manifest = {
    format: 'cflow-detector',
    version: 1,
    software,
    title: methodOf(about.method).title,
    ...(settings && { settings }),
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
    ...own,
    scales,
    calibration: calibrationOf(scores, defectScores, largestScore(aggregation, scales), images),
  }
  const model = writeDetector(encoder.encoder, head, complete)
  return { model, manifest: complete, scores, defectScores }
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
export function calibrationOf(
  scores: readonly number[],
  defectScores: readonly number[],
  bound: number,
  images: Omit<CalibrationImages, 'found' | 'defects'>,
): Manifest['calibration'] {
  const { source, folds, ids, independent, falsePositiveRate, confidence = 0 } = images
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!)
  const sorted = order.map((i) => scores[i] as number)
  const defects = [...defectScores].sort((a, b) => a - b)
  const wrong = [...sorted, ...defects].find((s) => !Number.isFinite(s))
  if (wrong !== undefined)
    throw new CflowError('RUNTIME', `a score of an image to calibrate with is ${wrong}`, {
      hint: 'the training has diverged: fewer passes or a smaller learning rate may help',
    })
  const { threshold: conformal, guaranteed } = calibratedThreshold({ source, scores: sorted, ...(confidence > 0 && { confidence }) }, falsePositiveRate, bound) // prettier-ignore
  const threshold = placedThreshold(sorted, defects, { conformal, falsePositiveRate, bound })
  checkReach(
    threshold,
    bound,
    'some good images score as high as any defect can: take out those that are not good, or train on more images or in more passes',
  )
  // or the next one above, where the threshold lies between two
  const decisive = order.find((i) => (scores[i] as number) >= conformal) ?? order.at(-1)
  return {
    source,
    ...(folds !== undefined && { folds }),
    scores: sorted,
    falsePositiveRate,
    threshold,
    guaranteed: source === 'held-out' && independent && guaranteed,
    independent,
    ...(confidence > 0 && { confidence }),
    ...(decisive !== undefined && {
      setBy: { id: ids[decisive] ?? '', score: scores[decisive] as number },
    }),
    ...(defects.length > 0 && { knownDefects: { scores: defects, conformal } }),
  }
}

/** The threshold goes no further towards known defects than that of so small a part of the rate. */
const leastPart = 0.1

/**
 * The threshold between good images and known defects. It is the conformal one, and never below it, so that its promise holds.
 * Where every known defect scores above it and above all good images, there is room: it moves up to the middle between the
 * conformal threshold and the lowest known defect, but no further than the threshold of a tenth of the rate, since defects
 * that nobody knows may be less plain. Every known defect that the conformal threshold finds is found.
 * @param good scores of the calibration images @param defects of the known defects; both ascending
 */
export function placedThreshold(
  good: readonly number[],
  defects: readonly number[],
  { conformal, falsePositiveRate, bound }: { readonly conformal: number; readonly falsePositiveRate: number; readonly bound: number }, // prettier-ignore
): number {
  const [lowest] = defects
  if (lowest === undefined || lowest <= Math.max(conformal, good.at(-1) ?? -Infinity))
    return conformal
  const { threshold: farthest } = thresholdAt(good, falsePositiveRate * leastPart, bound)
  return Math.max(conformal, Math.min(conformal + (lowest - conformal) / 2, farthest))
}
