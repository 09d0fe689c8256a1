import type { Manifest } from '@cflow/core'
import type { EncoderModel } from './encoding.js'

/** What a manifest says of the encoder. */
export function manifestEncoder({ spec, scales }: EncoderModel): Manifest['encoder'] {
  return {
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
  }
}
