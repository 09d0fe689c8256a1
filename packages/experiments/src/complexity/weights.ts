import { Random, floats, sizeOf, zeros } from '@cflow/base'
import type { EncoderSpec } from '@cflow/encoders'
import type { Weights } from '@cflow/weights'

/** Weights that are all zero: for shapes and sizes, which do not depend on values. */
export const zeroWeights = (spec: EncoderSpec): Weights =>
  new Map(spec.parameters.map(({ key, shape }) => [key, zeros('float32', shape)]))

/**
 * Random weights that keep features finite and of ordinary size, so that an encoder runs as fast as with trained ones:
 * He's initialisation, batch norms near the identity.
 */
export function randomWeights(spec: EncoderSpec, seed = 0): Weights {
  return new Map(
    spec.parameters.map(({ key, shape }) => {
      const random = Random.seeded(seed, key)
      const scalar = shape.length === 1
      const bound = scalar ? 0.1 : Math.sqrt(3 / sizeOf(shape.slice(1)))
      // of one-dimensional tensors, variances and scales of batch norms lie around 1
      const centre = scalar && /(running_var|\.weight)$/.test(key) ? 1 : 0
      const data = new Float32Array(sizeOf(shape))
      for (let i = 0; i < data.length; i++) data[i] = centre + random.uniform(-bound, bound)
      return [key, floats('float32', shape, data)] as const
    }),
  )
}

/** Trainable numbers of an encoder up to its last tap; means and variances of batch norms are not. */
export function parameterCount(spec: EncoderSpec): number {
  return spec.parameters
    .filter(({ key }) => !/running_(mean|var)$/.test(key))
    .reduce((n, { shape }) => n + sizeOf(shape), 0)
}
