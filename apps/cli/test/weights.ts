import { Random, sizeOf, tensor } from '@cflow/base'
import { encoderSpec } from '@cflow/encoders'
import type { Weights } from '@cflow/weights'

/** Random weights of an encoder, of a size that keeps its features finite. */
export function randomWeights(name: string): Weights {
  return new Map(
    encoderSpec(name).parameters.map(({ key, shape }) => {
      const random = Random.seeded(1, key)
      const bound = shape.length > 1 ? Math.sqrt(3 / sizeOf(shape.slice(1))) : 0.1
      const centre = key.endsWith('running_var') || /(bn|\.1)\d?\.weight$/.test(key) ? 1 : 0
      const data = new Float32Array(sizeOf(shape))
      return [
        key,
        tensor(
          'float32',
          shape,
          data.map(() => centre + random.uniform(-bound, bound)),
        ),
      ] as const
    }),
  )
}
