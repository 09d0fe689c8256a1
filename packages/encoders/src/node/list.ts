import { sizeOfFile } from '@cflow/weights/node'
import { embeddedNames } from '../embedded.js'
import { encoderNames, encoderSpec } from '../registry.js'
import type { EncoderSpec } from '../spec.js'
import { findEncoderWeights } from './load.js'

export interface EncoderListing {
  readonly spec: EncoderSpec
  /** `embedded`: part of this package; `cached`: pulled or imported; `missing`: not on this machine. */
  readonly weights: 'embedded' | 'cached' | 'missing'
  readonly path?: string
  /** Bytes of the file on this machine. */
  readonly bytes?: number
}

/** Every encoder and whether its weights are on this machine; the default first. */
export async function listEncoders(): Promise<readonly EncoderListing[]> {
  return Promise.all(
    encoderNames.map(async (name): Promise<EncoderListing> => {
      const spec = encoderSpec(name)
      const path = await findEncoderWeights(spec)
      const bytes = path === undefined ? undefined : await sizeOfFile(path)
      if (path === undefined || bytes === undefined) return { spec, weights: 'missing' }
      const weights = embeddedNames.includes(name) ? 'embedded' : 'cached'
      return { spec, weights, path, bytes }
    }),
  )
}
