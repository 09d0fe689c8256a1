import type { Manifest } from '@cflow/core'
import type { EncoderModel } from './encoding.js'
import { software } from './software.js'

/** What a manifest says of this software and of the encoder. */
export function manifestHead({ spec, scales, inputSize }: EncoderModel) {
  return {
    format: 'cflow-detector',
    version: 1,
    software,
    inputSize,
    encoder: {
      name: spec.name,
      ...(spec.digest !== undefined && { digest: spec.digest }),
      ...(spec.batch !== undefined && { batch: spec.batch }),
      mean: [...spec.mean],
      std: [...spec.std],
      taps: scales.map((s) => ({
        name: s.tap,
        channels: s.depth,
        stride: s.stride,
        height: s.height,
        width: s.width,
      })),
    },
  } as const satisfies Partial<Manifest>
}
