import { Random, type Tensor } from '@cflow/base'
import { encode, flowHead, imageInput, type ScaleStatistics } from '@cflow/core'
import { encoderModel, encoderSpec, type EncoderModel } from '@cflow/encoders'
import { gather, input, int64s, writeOnnx } from '@cflow/graph'
import {
  defaultChannels,
  galleryBytes,
  joinNearest,
  joinedShape,
  mahalanobisMap,
  mapVerdict,
  nearestImages,
  nearestPositions,
  padimBytes,
  spadeNeighbours,
} from '@cflow/methods'
import { emptyFlow, flowConfigOf } from '../complexity/flow.js'
import { randomWeights, uniform } from '../complexity/weights.js'
import type { Recipe } from '../trial.js'

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
  const flows = model.taps.map((t) => emptyFlow(flowConfigOf(t.channels, recipe), random))
  const head = flowHead(flows, 'calibrated')
  const statistics = model.taps.map((t): ScaleStatistics => ({
    depth: t.channels,
    max: 0,
    mean: -1,
    deviation: 1,
  }))
  const { map, score } = head.verdict(head.evidence(taps), model.inputSize, statistics)
  return writeOnnx({ anomaly_map: map, score })
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
  const { channels: depth, height, width } = joinedShape(model.taps)
  const channels = defaultChannels(model.spec.name, depth)
  const bytes = padimBytes(height * width, channels)
  const rows = Math.max(1, Math.min(height, Math.floor((height * maxMatrices) / bytes)))
  const positions = rows * width
  const random = Random.seeded(0, 'padim')
  const filled = (n: number, bound: number) => uniform(random, [n], -bound, bound).data
  const map = [1, channels, rows, width] as const
  const taps = model.taps.map((t, k) =>
    input(`tap${k}`, 'float32', [1, t.channels, t.height, t.width]),
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
  const { taps, inputSize } = model
  const random = Random.seeded(0, 'spade')
  const filled = (shape: readonly number[]) => uniform(random, shape, 0, 1)
  const neighbours = Math.min(spadeNeighbours, images)
  const last = taps.at(-1)?.channels as number
  const { height, width, channels } = joinedShape(taps)
  const valueOf = (name: string, { dtype, shape }: Tensor) => input(name, dtype, shape)
  const [pooled, gallery] = [filled([1, last]), filled([images, last])]
  const [distances] = nearestImages(valueOf('pooled', pooled), valueOf('gallery', gallery), neighbours) // prettier-ignore
  const [query, rows] = [filled([1, height * width, channels]), filled([1, height * width, channels])] // prettier-ignore
  const nearest = nearestPositions(valueOf('query', query), valueOf('rows', rows))
  const positions = filled([1, height, width])
  const { map } = mapVerdict(valueOf('positions', positions), inputSize, { corners: 'half', blurred: true }) // prettier-ignore
  return {
    neighbours,
    /** Of the whole gallery. */
    bytes: galleryBytes(model, images),
    search: { file: writeOnnx({ distances }), feeds: { pooled, gallery } },
    compare: { file: writeOnnx({ nearest }), feeds: { query, rows } },
    draw: { file: writeOnnx({ map }), feeds: { positions } },
  }
}
