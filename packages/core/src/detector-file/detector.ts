import { input, reduceMean, reshape, transpose, writeOnnx, type Value } from '@cflow/graph'
import type { ScaleFlow } from '../flow/flow.js'
import type { ScaleStatistics } from '../score/aggregation.js'
import { manifestKey, type Manifest } from './manifest.js'
import { normalise, resample, unpadded } from './preprocess.js'
import { stageLabels } from './stages.js'

/** A frozen feature extractor: from normalised pixels float32 [N, 3, S, S] to one map [N, D, h, w] per tap. */
export interface Encoder {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  taps(pixels: Value): readonly Value[]
}

/** What a head has found in images, by name: values whose first axis is the batch. */
export type Evidence = Readonly<Record<string, Value>>

/**
 * The second half of a detector, behind the encoder, in two steps: what is found in an image by itself, and what is made
 * of it in the light of what was found in good images. Every method gives one; they are calibrated and written alike.
 */
export interface Head {
  /** Sizes at which the image is encoded: whole, half, quarter …; 1 when absent. */
  readonly levels?: number
  /** Name of the first step for whoever measures it (`detectorStages`). */
  readonly stage: string
  /** @param taps maps [N, D, h, w], finest first; of several levels one level after the other */
  evidence(taps: readonly Value[]): Evidence
  /** Names of the evidence that a detector file has as outputs too. */
  readonly shown?: readonly string[]
  /**
   * What the second step has to know of good images.
   * @param evidence of each image, by name
   */
  statistics?(
    evidence: Readonly<Record<string, readonly Float32Array[]>>,
  ): readonly ScaleStatistics[]
  /**
   * @param size S @param statistics none for a head without
   * @returns anomaly map [N, S, S] and score [N]
   */
  verdict(evidence: Evidence, size: number, statistics: readonly ScaleStatistics[]): Verdict
  /** The flows that it is made of, for the manifest and for whoever looks into them. */
  readonly flows?: readonly ScaleFlow[]
}

export interface Verdict {
  readonly map: Value
  readonly score: Value
}

/** Names of a detector file's input and outputs. */
export const detectorNames = {
  image: 'image',
  anomalyMap: 'anomaly_map',
  score: 'score',
  logLikelihood: (k: number): string => `log_likelihood_${k}`,
} as const

/** The image input of a detector: uint8 [N, H, W, 3], N any number or 1. */
export const imageInput = (batch: 'N' | 1 = 'N'): Value =>
  input(detectorNames.image, 'uint8', [batch, 'H', 'W', 3])

/** Image to feature maps: resampling, normalisation, encoder. */
export const encode = (image: Value, encoder: Encoder, size: number): readonly Value[] =>
  encodePixels(resample(image, size), encoder)

/** Pixels, float32 [N, 3, S, S] in 0 … 255, to feature maps: those of the pixels, of half their number a side … */
export const encodePixels = (pixels: Value, encoder: Encoder, levels = 1): readonly Value[] =>
  pyramid(pixels, encoder, levels).flatMap((planes) => encoder.taps(planes))

/** Normalised pixels at each level. */
const pyramid = (pixels: Value, { mean, std }: Encoder, levels: number): readonly Value[] =>
  imageLevels(pixels, levels).map((p) => normalise(p, mean, std))

/** Pixels [N, 3, S, S] as they are, with half their number a side, a quarter … */
export function imageLevels(pixels: Value, levels: number): readonly Value[] {
  const planes = [pixels]
  while (planes.length < levels) planes.push(halved(planes.at(-1) as Value))
  return planes
}

/** Every 2×2 pixels averaged. */
function halved(planes: Value): Value {
  const size = (planes.shape[2] as number) / 2
  const squares = reshape(planes, [-1, 3, size, 2, size, 2])
  return reshape(reduceMean(squares, [3, 5]), [-1, 3, size, size])
}

/** A map [N, D, h, w] as rows [N·h·w, D]; row (n·h + y)·w + x. */
export function rowsOfMap(map: Value): Value {
  const depth = map.shape[1] as number
  return reshape(transpose(map, [0, 2, 3, 1]), [-1, depth])
}

/** The first step as a model of its own: from `image` to the evidence. */
export const evidenceModel = (encoder: Encoder, head: Head, size: number): Uint8Array =>
  writeOnnx(head.evidence(encodePixels(resample(imageInput(), size), encoder, head.levels)))

/**
 * The detector file: one self-contained ONNX model.
 * Input `image` uint8 [N, H, W, 3]; outputs `anomaly_map` [N, S, S], `score` [N] and what the head shows: for CFLOW-AD
 * `log_likelihood_k` [N, h, w] of every scale (per dimension, in nats). The manifest is in the metadata.
 */
export function writeDetector(encoder: Encoder, head: Head, manifest: Manifest): Uint8Array {
  const { inputSize: size, scales, software, method, resize } = manifest
  const image = imageInput(manifest.encoder.batch)
  const planes = pyramid(resample(image, size, resize), encoder, head.levels ?? 1)
  const taps = planes.flatMap((p) => encoder.taps(p))
  const evidence = head.evidence(taps)
  const { map, score } = head.verdict(evidence, size, scales)
  const shown = (head.shown ?? []).map((name) => [name, evidence[name] as Value] as const)
  return writeOnnx(
    {
      [detectorNames.anomalyMap]: resize === 'pad' ? unpadded(map, image) : map,
      [detectorNames.score]: score,
      ...Object.fromEntries(shown),
    },
    {
      name: `${method} detector`,
      metadata: { [manifestKey]: JSON.stringify(manifest) },
      labels: {
        ...stageLabels('preprocessing', planes),
        ...stageLabels('encoder', taps),
        ...stageLabels(head.stage, Object.values(evidence)),
      },
      producer: software,
    },
  )
}
