import { Random, sizeOf, zeros, type Tensor } from '@cflow/base'
import type { EncoderSpec } from '@cflow/encoders'
import type { Weights } from '@cflow/weights'

/** A tensor of even random numbers between two bounds. */
export function uniform(
  random: Random,
  shape: readonly number[],
  low: number,
  high: number,
): Tensor<'float32'> {
  const values = zeros('float32', shape)
  for (let i = 0; i < values.data.length; i++) values.data[i] = random.uniform(low, high)
  return values
}

/** Weights that are all zero: for shapes and sizes, which do not depend on values. */
export const zeroWeights = (spec: EncoderSpec): Weights =>
  new Map(spec.parameters.map(({ key, shape }) => [key, zeros('float32', shape)]))

/**
 * Random weights that keep features finite and of ordinary size, so that an encoder runs as fast as with trained ones:
 * He's initialisation, batch norms near the identity.
 */
export const randomWeights = (spec: EncoderSpec): Weights =>
  new Map(
    spec.parameters.map(({ key, shape }) => {
      const isVector = shape.length === 1
      const bound = isVector ? 0.1 : Math.sqrt(3 / sizeOf(shape.slice(1)))
      // of vectors, variances and scales of batch norms lie around 1
      const centre = isVector && /(running_var|\.weight)$/.test(key) ? 1 : 0
      return [key, uniform(Random.seeded(0, key), shape, centre - bound, centre + bound)]
    }),
  )

/** Trainable numbers of an encoder up to its last tap; means and variances of batch norms are not. */
export const parameterCount = (spec: EncoderSpec): number =>
  spec.parameters
    .filter(({ key }) => !/running_(mean|var)$/.test(key))
    .reduce((n, { shape }) => n + sizeOf(shape), 0)
