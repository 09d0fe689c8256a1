import { input, reduceMax, reshape, transpose, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { ScaleFlow } from '../flow/flow.js'
import { foldedLogLikelihood, perDimension } from '../flow/likelihood.js'
import { anomalyMapValue } from '../score/aggregation.js'
import type { Aggregation, ScaleStatistics } from '../score/aggregation.js'
import { manifestKey } from './manifest.js'
import type { Manifest } from './manifest.js'
import { normalise, resample } from './preprocess.js'

/** A frozen feature extractor: from normalised pixels float32 [N, 3, S, S] to one map [N, D, h, w] per scale. */
export interface Encoder {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
  taps(pixels: Value): readonly Value[]
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
export function encode(image: Value, encoder: Encoder, size: number): readonly Value[] {
  return encodePixels(resample(image, size), encoder)
}

/** Pixels, float32 [N, 3, S, S] in 0 … 255, to feature maps. */
export const encodePixels = (pixels: Value, encoder: Encoder): readonly Value[] =>
  encoder.taps(normalise(pixels, encoder.mean, encoder.std))

/** A map [N, D, h, w] as rows [N·h·w, D]; row (n·h + y)·w + x. */
export function rowsOfMap(map: Value): Value {
  const depth = map.shape[1] as number
  return reshape(transpose(map, [0, 2, 3, 1]), [-1, depth])
}

/** Likelihood per dimension of every position of a map, [N, h, w]. */
export function likelihoodMap(map: Value, flow: ScaleFlow, name: string): Value {
  const [, depth, height, width] = map.shape as [unknown, number, number, number]
  const logp = foldedLogLikelihood(rowsOfMap(map), flow, { height, width }, name)
  return reshape(perDimension(logp, depth), [-1, height, width])
}

/** From likelihoods to the outputs of a detector file. */
export function detectorOutputs(
  likelihoods: readonly Value[],
  aggregation: Aggregation,
  statistics: readonly ScaleStatistics[],
  size: number,
): Record<string, Value> {
  const map = anomalyMapValue(aggregation, statistics, likelihoods, size)
  return {
    [detectorNames.anomalyMap]: map,
    [detectorNames.score]: reduceMax(map, [1, 2]),
    ...Object.fromEntries(likelihoods.map((l, k) => [detectorNames.logLikelihood(k), l])),
  }
}

/**
 * The detector file: one self-contained ONNX model.
 * Input `image` uint8 [N, H, W, 3]; outputs `anomaly_map` [N, S, S], `score` [N] (the map's maximum, section 4.2) and,
 * per scale, `log_likelihood_k` [N, h, w] (per dimension, in nats). The manifest is in the metadata.
 */
export function writeDetector(
  encoder: Encoder,
  flows: readonly ScaleFlow[],
  manifest: Manifest,
): Uint8Array {
  const maps = encode(imageInput(manifest.encoder.batch), encoder, manifest.inputSize)
  const likelihoods = flows.map((flow, k) => likelihoodMap(maps[k] as Value, flow, `flow${k}`))
  return writeOnnx(
    detectorOutputs(likelihoods, manifest.aggregation, manifest.scales, manifest.inputSize),
    {
      name: 'cflow detector',
      metadata: { [manifestKey]: JSON.stringify(manifest) },
      producer: manifest.software,
    },
  )
}
