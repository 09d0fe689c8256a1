import { floats, sizeOf } from '../packages/base/src/index.js'
import type { Random } from '../packages/base/src/index.js'
import type { EncoderSpec } from '../packages/encoders/src/index.js'
import type { Weights } from '../packages/weights/src/index.js'

/**
 * Weights of the right shapes with which activations keep an ordinary magnitude from the first layer to the last: numbers
 * that overflow or that are denormal would change the speed.
 */
export const randomWeights = (spec: EncoderSpec, random: Random): Weights =>
  new Map(
    spec.parameters.map(({ key, shape }) => {
      const length = sizeOf(shape)
      const spread = 1 / Math.sqrt(sizeOf(shape.slice(1)))
      const value = () => {
        if (shape.length > 1) return spread * random.normal()
        return /(weight|running_var)$/.test(key) ? random.uniform(0.8, 1.2) : 0.1 * random.normal()
      }
      return [key, floats('float32', shape, Array.from({ length }, value))] as const
    }),
  )
