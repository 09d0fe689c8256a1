import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CflowError } from '@cflow/base'
import { makeFolder, writingError } from '@cflow/base/node'
import type { PublishedWeights } from '../weights.js'
import { sha256OfFile, sizeOfFile } from './files.js'
import { claimPart } from './part.js'
import { Interrupted, transfer } from './transfer.js'

export interface DownloadOptions {
  readonly signal?: AbortSignal
  /** Told the bytes that are there and, where known, how many there will be. */
  readonly onProgress?: (bytes: number, total: number | undefined) => void
  /** Attempts, each of which goes on where the one before stopped; 3 unless told. */
  readonly attempts?: number
  /** Milliseconds without a byte after which an attempt is given up; a minute unless told. */
  readonly idle?: number
}

const maxBytes = 2 ** 31

/**
 * Download a published file. What arrives is kept beside it in `<file>.part`, so that a later call goes on where this one
 * stopped; only a file of the right size and SHA-256 gets its name. Downloads of the same file at the same time do not
 * disturb each other.
 * @param path where the file goes; partial downloads lie in the same folder under the source's name
 * @throws CflowError NETWORK when it cannot be had (the part stays), WEIGHTS when it is another file (nothing stays)
 */
export async function download(
  source: PublishedWeights,
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const folder = dirname(path)
  await makeFolder(folder)
  const part = await claimPart(join(folder, source.file))
  try {
    const have = await sizeOfFile(part.path)
    if (have === undefined || have !== source.size) await transferAll(source, part.path, options)
    await check(source, part.path)
    await rename(part.path, path).catch((error: unknown) => {
      throw writingError(path, error)
    })
  } finally {
    await part.release()
  }
}

async function transferAll(
  source: PublishedWeights,
  part: string,
  options: DownloadOptions,
): Promise<void> {
  const { attempts = 3, idle = 60_000, signal, onProgress } = options
  const settings = { maxBytes: source.size ?? maxBytes, idle, signal, onProgress }
  for (let attempt = 1; ; attempt++)
    try {
      return await transfer(source.url, part, settings)
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      if (attempt >= attempts)
        throw new CflowError('NETWORK', `${source.url} cannot be fetched: ${error.message}`, {
          subject: source.url,
          cause: error,
        })
      await sleep(250 * 2 ** attempt)
    }
}

async function check(source: PublishedWeights, part: string): Promise<void> {
  const size = await sizeOfFile(part)
  const digest = size === undefined ? '' : await sha256OfFile(part)
  const wrongSize = source.size !== undefined && size !== source.size
  if (!wrongSize && digest.startsWith(source.sha256)) return
  await rm(part, { force: true })
  throw new CflowError(
    'WEIGHTS',
    wrongSize
      ? `${source.url} is ${size ?? 0} bytes instead of ${source.size}; the file was removed`
      : `${source.url} has the SHA-256 ${digest} instead of ${source.sha256}…; the file was removed`,
    {
      subject: source.file,
      hint: 'try again; if it stays so, something changes files on their way',
    },
  )
}
