import { Random } from '@cflow/base'
import {
  defaultChannels,
  imageDistances,
  joinNearest,
  joinedShape,
  mahalanobisMap,
  padimBytes,
  positionDistances,
  spadeMap,
  spadeNames,
  spadeNeighbours,
} from '@cflow/methods'
import { detectorOutputs, encode, imageInput, likelihoodMap } from '@cflow/core'
import type { ScaleStatistics } from '@cflow/core'
import { encoderSpec } from '@cflow/encoders'
import { gather, input, int64s, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { encoderModel } from '@cflow/trainer'
import type { EncoderModel, Recipe } from '@cflow/trainer'
import { emptyFlow, flowConfigOf } from '../complexity/flow.js'
import { randomWeights, uniform } from '../complexity/weights.js'

/** An encoder that runs as fast as a trained one. */
export function randomEncoder(name: string, inputSize: number): EncoderModel {
  const spec = encoderSpec(name)
  return encoderModel(spec, randomWeights(spec), 3, inputSize)
}

/** Image to taps. */
export function encoderFile(model: EncoderModel): Uint8Array {
  const taps = encode(imageInput(), model.encoder, model.inputSize)
  return writeOnnx(Object.fromEntries(taps.map((tap, k) => [`tap${k}`, tap])))
}

/** Image to anomaly map and score, as in a detector file. */
export function cflowFile(model: EncoderModel, recipe: Recipe): Uint8Array {
  const random = Random.seeded(0, 'speed')
  const taps = encode(imageInput(), model.encoder, model.inputSize)
  const likelihoods = model.scales.map((s, k) =>
    likelihoodMap(taps[k] as Value, emptyFlow(flowConfigOf(s.depth, recipe), random), `flow${k}`),
  )
  const statistics = model.scales.map(({ depth }): ScaleStatistics => ({
    depth,
    max: 0,
    mean: -1,
    deviation: 1,
  }))
  const { anomaly_map: map, score } = detectorOutputs(likelihoods, 'calibrated', statistics, model.inputSize) // prettier-ignore
  return writeOnnx({ anomaly_map: map as Value, score: score as Value })
}

/** Part of PaDiM after the encoder. */
export interface PadimPart {
  /** From taps `tap0` … to the joined channels. */
  readonly join: Uint8Array
  /** From `map` to Mahalanobis distances, of `share` of the positions. */
  readonly distances: Uint8Array
  readonly map: readonly [1, number, number, number]
  readonly share: number
  readonly channels: number
  /** Of all matrices. */
  readonly bytes: number
}

/** Bytes of matrices that are put into one graph; the time of the rest is in proportion. */
const maxMatrices = 128 * 2 ** 20

export function padimPart(model: EncoderModel): PadimPart {
  const { depth, height, width } = joinedShape(model.scales)
  const channels = defaultChannels(model.spec.name, depth)
  const bytes = padimBytes(height * width, channels)
  const rows = Math.max(1, Math.min(height, Math.floor((height * maxMatrices) / bytes)))
  const positions = rows * width
  const random = Random.seeded(0, 'padim')
  const filled = (n: number, bound: number) => uniform(random, [n], -bound, bound).data
  const map = [1, channels, rows, width] as const
  const taps = model.scales.map((s, k) =>
    input(`tap${k}`, 'float32', [1, s.depth, s.height, s.width]),
  )
  const every = Array.from({ length: channels }, (_, i) => Math.floor((i * depth) / channels))
  return {
    join: writeOnnx({ joined: gather(joinNearest(taps), int64s(every), 1) }),
    distances: writeOnnx({
      distances: mahalanobisMap(input('map', 'float32', map), {
        positions,
        depth: channels,
        mean: filled(positions * channels, 1),
        factor: filled(positions * channels ** 2, 1 / Math.sqrt(channels)),
      }),
    }),
    map,
    share: rows / height,
    channels,
    bytes,
  }
}

/** SPADE after the encoder: search over descriptors, comparison with one neighbour, drawing. */
export function spadePart(model: EncoderModel, images: number) {
  const { scales, inputSize } = model
  const random = Random.seeded(0, 'spade')
  const filled = (shape: readonly number[]) => uniform(random, shape, 0, 1)
  const last = scales.at(-1)?.depth as number
  const { height, width, depth } = joinedShape(scales)
  const rows = () => filled([height * width, depth])
  const numbers = scales.reduce((n, s) => n + s.depth * s.height * s.width, last)
  return {
    neighbours: Math.min(spadeNeighbours, images),
    /** Of the whole gallery. */
    bytes: 4 * images * numbers,
    search: {
      file: imageDistances(images, last),
      feeds: { [spadeNames.pooled]: filled([1, last]), [spadeNames.galleryPooled]: filled([images, last]) }, // prettier-ignore
    },
    compare: {
      file: positionDistances(height * width, depth),
      feeds: { [spadeNames.query]: rows(), [spadeNames.gallery]: rows() },
    },
    draw: {
      file: spadeMap({ depth: 1, height, width }, inputSize),
      feeds: { [spadeNames.positions]: filled([1, height, width]) },
    },
  }
}
