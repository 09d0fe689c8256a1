import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { CflowError } from '@cflow/base'
import type { PublishedWeights } from '@cflow/weights'
import { cacheFolder, download, type DownloadOptions, sizeOfFile } from '@cflow/weights/node'
import { embeddedNames, embeddedWeightsUrl } from '../embedded.js'
import { encoderSpec } from '../registry.js'
import { cachedWeightsPath } from './cache.js'
import { convertFile } from './import.js'

export interface PullOptions extends DownloadOptions {
  /** A mirror of the published file. */
  readonly source?: PublishedWeights
}

/**
 * See to it that the weights of an encoder are on this machine: download the published file, check it and keep the
 * tensors the encoder needs as safetensors in the cache. Does nothing when they are there already.
 * @returns path of the safetensors file
 * @throws CflowError NOT_FOUND for an unknown encoder, NETWORK when the file cannot be had, WEIGHTS when it is another
 */
export async function pullWeights(name: string, options: PullOptions = {}): Promise<string> {
  const spec = encoderSpec(name)
  if (embeddedNames.includes(spec.name)) return fileURLToPath(embeddedWeightsUrl(spec.name))
  const path = cachedWeightsPath(spec.name)
  if ((await sizeOfFile(path)) !== undefined) return path
  const source = options.source ?? spec.weights
  if (!source)
    throw new CflowError('NOT_FOUND', `no weights of ${spec.name} are published`, {
      subject: spec.name,
      hint: wayAround(spec.name),
    })
  // a name of its own, so that another pull at the same time cannot take it away
  const file = join(cacheFolder(), 'downloads', randomUUID())
  try {
    await download(source, file, options)
  } catch (error) {
    if (!(error instanceof CflowError) || error.code !== 'NETWORK') throw error
    const { subject } = error
    throw new CflowError('NETWORK', error.message, {
      ...(subject !== undefined && { subject }),
      hint: `try again to go on where it stopped, or get ${source.file} another way and ${wayAround(spec.name)}`,
      cause: error,
    })
  }
  try {
    await convertFile(spec, file, path, source.file)
  } finally {
    await rm(file, { force: true })
  }
  return path
}

const wayAround = (name: string): string =>
  `give it with --weights FILE or 'cflow encoders import ${name} FILE'`
