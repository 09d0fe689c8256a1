import { floats, sizeOf } from '../packages/base/src/index.js'
import type { Random } from '../packages/base/src/index.js'
import type { EncoderSpec, Weights } from '../packages/encoders/src/index.js'

/** Weights of the right shapes: speed and memory do not depend on the numbers. */
export const randomWeights = (spec: EncoderSpec, random: Random): Weights =>
  new Map(
    spec.parameters.map(({ key, shape }) => {
      const spread = 1 / Math.sqrt(sizeOf(shape.slice(1)))
      const value = key.includes('running_var') ? () => 1 : () => spread * random.normal()
      return [key, floats('float32', shape, Array.from({ length: sizeOf(shape) }, value))] as const
    }),
  )
