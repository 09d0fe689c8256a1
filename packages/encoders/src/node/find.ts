import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { CflowError } from '@cflow/base'
import { readWeights, type Weights } from '@cflow/weights'
import { cacheFolder, inFile, readBytes, sizeOfFile } from '@cflow/weights/node'
import { embeddedNames, embeddedWeightsUrl } from '../embedded.js'
import { fitWeights, type FitOptions } from '../fit.js'
import { encoderNames, encoderSpec } from '../registry.js'
import type { EncoderSpec } from '../spec.js'

/** Where the weights of an encoder lie once they have been pulled or imported. */
export const cachedWeightsPath = (encoder: string): string =>
  join(cacheFolder(), 'encoders', `${encoder}.safetensors`)

const embeddedPath = (encoder: string): string | undefined =>
  embeddedNames.includes(encoder) ? fileURLToPath(embeddedWeightsUrl(encoder)) : undefined

/** Where the weights of an encoder may lie on this machine; the first file that is there is taken. */
const sources = [
  { name: 'embedded', pathOf: embeddedPath },
  { name: 'cached', pathOf: cachedWeightsPath },
] as const

async function located(encoder: string) {
  for (const { name, pathOf } of sources) {
    const path = pathOf(encoder)
    const bytes = path === undefined ? undefined : await sizeOfFile(path)
    if (path !== undefined && bytes !== undefined) return { name, path, bytes }
  }
  return undefined
}

/** The file that holds the weights of an encoder on this machine, or undefined where there is none. */
export async function findEncoderWeights(spec: EncoderSpec): Promise<string | undefined> {
  return (await located(spec.name))?.path
}

export interface EncoderListing {
  readonly spec: EncoderSpec
  /** `embedded`: part of this package; `cached`: pulled or imported; `missing`: not on this machine. */
  readonly weights: (typeof sources)[number]['name'] | 'missing'
  readonly path?: string
  /** Bytes of the file on this machine. */
  readonly bytes?: number
}

/** Every encoder and whether its weights are on this machine; the default first. */
export async function listEncoders(): Promise<readonly EncoderListing[]> {
  return Promise.all(
    encoderNames.map(async (encoder): Promise<EncoderListing> => {
      const spec = encoderSpec(encoder)
      const { name = 'missing', ...file } = (await located(encoder)) ?? {}
      return { spec, weights: name, ...file }
    }),
  )
}

/**
 * The weights of an encoder: from the file given, else from this package or the cache. Nothing is downloaded.
 * @param options.weights path of a .pth or .safetensors file
 * @param options.key which of several sets of weights in it
 * @returns the tensors its taps need, as float32, under their published keys
 * @throws CflowError NOT_FOUND for an unknown encoder or a missing file, WEIGHTS when the weights are not there, are
 *   damaged or are another model's
 */
export async function loadEncoderWeights(
  name: string,
  options: { readonly weights?: string } & FitOptions = {},
): Promise<Weights> {
  const spec = encoderSpec(name)
  const path = options.weights ?? (await findEncoderWeights(spec))
  if (path === undefined)
    throw new CflowError('WEIGHTS', `the weights of ${spec.name} are not on this machine`, {
      subject: spec.name,
      hint: `fetch them with 'cflow encoders pull ${spec.name}', or give a file with --weights FILE`,
    })
  const bytes = await readBytes(path)
  return inFile(path, () => fitWeights(spec.parameters, readWeights(bytes), spec.name, options))
}
