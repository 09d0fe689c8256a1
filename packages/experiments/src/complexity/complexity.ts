import {
  defaultChannels,
  galleryBytes,
  joinedShape,
  padimBytes,
  spadeNeighbours,
} from '@cflow/methods'
import { encoderModel, encoderSpec, type EncoderModel } from '@cflow/encoders'
import { input } from '@cflow/graph'
import * as z from 'zod'
import type { Recipe } from '../trial.js'
import { multiplyAccumulates } from './count.js'
import { flowConfigOf, flowOperations, flowSize, positionsOf } from './flow.js'
import { parameterCount, zeroWeights } from './weights.js'

const partSchema = z.object({
  /** Numbers kept in memory beside the encoder's. */
  numbers: z.number(),
  bytes: z.number(),
  /** Multiply–accumulate operations of one image after the encoder. */
  operations: z.number(),
})

/** Sizes and operations of the three models of Table 1 on one encoder. */
export const complexitySchema = z.object({
  encoder: z.string(),
  inputSize: z.number(),
  /** λ: trainable numbers up to the last tap. */
  parameters: z.number(),
  operations: z.number(),
  spade: partSchema.extend({ images: z.number() }),
  padim: partSchema.extend({ channels: z.number() }),
  /** `numbers` are those of θ; `bytes` what the authors store, rotations and their inverses included. */
  cflow: partSchema,
})
export type Complexity = z.infer<typeof complexitySchema>

/** An encoder for its shapes only. */
export function emptyEncoder(name: string, inputSize: number): EncoderModel {
  const spec = encoderSpec(name)
  return encoderModel(spec, zeroWeights(spec), 3, inputSize)
}

/** Operations of an encoder for one image. */
export function encoderOperations(model: EncoderModel): number {
  const size = model.inputSize
  return multiplyAccumulates(model.encoder.taps(input('pixels', 'float32', [1, 3, size, size])))
}

/**
 * Table 1 from the models themselves: what the graph of each multiplies, and what it keeps.
 * @param images training images of the gallery
 */
export function complexityOf(
  name: string,
  inputSize: number,
  recipe: Recipe,
  images: number,
): Complexity {
  const model = emptyEncoder(name, inputSize)
  const { taps } = model
  const { channels: depth, height, width } = joinedShape(taps)
  const positions = height * width
  const channels = defaultChannels(name, depth)
  const last = taps.at(-1)?.channels as number
  const gallery = galleryBytes(model, images)
  const configs = taps.map((t) => flowConfigOf(t.channels, recipe))
  const sizes = configs.map(flowSize)
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const operations = taps.map((s, k) => positionsOf(s) * flowOperations(configs[k] as (typeof configs)[number])) // prettier-ignore
  return {
    encoder: name,
    inputSize,
    parameters: parameterCount(model.spec),
    operations: encoderOperations(model),
    spade: {
      images,
      numbers: gallery / 4,
      bytes: gallery,
      // one comparison of descriptors with all images, one of all positions with all of each neighbour
      operations: images * last + Math.min(spadeNeighbours, images) * positions ** 2 * depth,
    },
    padim: {
      channels,
      numbers: padimBytes(positions, channels) / 4,
      bytes: padimBytes(positions, channels),
      operations: positions * channels ** 2,
    },
    cflow: {
      numbers: sum(sizes.map((s) => s.trainable)),
      bytes: 4 * sum(sizes.map((s) => s.stored)),
      operations: sum(operations),
    },
  }
}
