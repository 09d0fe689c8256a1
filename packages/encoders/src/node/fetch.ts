import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import type { PublishedWeights } from '@cflow/weights'
import { cacheFolder, download, inFile, readBytes, type DownloadOptions } from '@cflow/weights/node'
import { embeddedNames } from '../embedded.js'
import { convertWeights, type FitOptions } from '../fit.js'
import { encoderSpec } from '../registry.js'
import type { EncoderSpec } from '../spec.js'
import { cachedWeightsPath, findEncoderWeights } from './find.js'

/**
 * Take weights from a file (.pth or .safetensors) into the cache, as if they had been pulled.
 * @param options.key which of several sets of weights in the file
 * @returns path of the safetensors file in the cache
 * @throws CflowError NOT_FOUND for an unknown encoder or file, WEIGHTS that names what is wrong with the weights,
 *   USAGE for the encoder whose weights are part of this package
 */
export async function importWeights(
  name: string,
  file: string,
  options: FitOptions = {},
): Promise<string> {
  const spec = encoderSpec(name)
  if (embeddedNames.includes(spec.name))
    throw new CflowError('USAGE', `the weights of ${spec.name} are part of this package`, {
      subject: spec.name,
      hint: 'to use others, give them with --weights FILE each time',
    })
  return keep(spec, file, file, options)
}

/**
 * Put a weight file into the cache, checked against the encoder.
 * @param source what the file is called in errors and in the metadata
 * @returns path in the cache
 */
async function keep(
  spec: EncoderSpec,
  file: string,
  source: string,
  options: FitOptions = {},
): Promise<string> {
  const bytes = await readBytes(file)
  const path = cachedWeightsPath(spec.name)
  const kept = inFile(source, () => convertWeights(spec, bytes, basename(source), options))
  await writeFileAtomic(path, kept)
  return path
}

/**
 * See to it that the weights of an encoder are on this machine: download the published file, check it and keep the
 * tensors the encoder needs as safetensors in the cache. Does nothing when they are there already.
 * @param options.source a mirror of the published file
 * @returns path of the safetensors file
 * @throws CflowError NOT_FOUND for an unknown encoder, NETWORK when the file cannot be had, WEIGHTS when it is another
 */
export async function pullWeights(
  name: string,
  options: DownloadOptions & { readonly source?: PublishedWeights } = {},
): Promise<string> {
  const spec = encoderSpec(name)
  const found = await findEncoderWeights(spec)
  if (found !== undefined) return found
  const source = options.source ?? spec.weights
  const wayAround = `give it with --weights FILE or 'cflow encoders import ${spec.name} FILE'`
  if (!source)
    throw new CflowError('NOT_FOUND', `no weights of ${spec.name} are published`, {
      subject: spec.name,
      hint: wayAround,
    })
  // a name of its own, so that another pull at the same time cannot take it away
  const file = join(cacheFolder(), 'downloads', randomUUID())
  try {
    await download(source, file, options)
    return await keep(spec, file, source.file)
  } catch (error) {
    if (!(error instanceof CflowError) || error.code !== 'NETWORK') throw error
    throw new CflowError('NETWORK', error.message, {
      subject: error.subject ?? source.url,
      hint: `try again to go on where it stopped, or get ${source.file} another way and ${wayAround}`,
      cause: error,
    })
  } finally {
    await rm(file, { force: true })
  }
}
