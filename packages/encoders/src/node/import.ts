import { basename } from 'node:path'
import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import { inFile, readBytes } from '@cflow/weights/node'
import { embeddedNames } from '../embedded.js'
import { encoderSpec } from '../registry.js'
import type { EncoderSpec } from '../spec.js'
import { convertWeights } from '../convert.js'
import { cachedWeightsPath } from './cache.js'

/**
 * Take weights from a file (.pth or .safetensors) into the cache, as if they had been pulled.
 * @returns path of the safetensors file in the cache
 * @throws CflowError NOT_FOUND for an unknown encoder or file, WEIGHTS that names what is wrong with the weights,
 *   USAGE for the encoder whose weights are part of this package
 */
export async function importWeights(name: string, file: string): Promise<string> {
  const spec = encoderSpec(name)
  if (embeddedNames.includes(spec.name))
    throw new CflowError('USAGE', `the weights of ${spec.name} are part of this package`, {
      subject: spec.name,
      hint: 'to use others, give them with --weights FILE each time',
    })
  const path = cachedWeightsPath(spec.name)
  await convertFile(spec, file, path)
  return path
}

/**
 * Convert a weight file, checked against the encoder, to safetensors.
 * @param source what the file is called in errors and in the metadata
 */
export async function convertFile(
  spec: EncoderSpec,
  from: string,
  to: string,
  source = from,
): Promise<void> {
  const bytes = await readBytes(from)
  await writeFileAtomic(
    to,
    inFile(source, () => convertWeights(spec, bytes, basename(source))),
  )
}
