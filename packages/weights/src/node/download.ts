import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CflowError } from '@cflow/base'
import { makeFolder, writingError } from '@cflow/base/node'
import type { PublishedWeights } from '../weights.js'
import { sha256OfFile, sizeOfFile } from './files.js'
import { claimPart } from './part.js'
import { Interrupted, transfer, type TransferOptions } from './transfer.js'

export interface DownloadOptions extends TransferOptions {
  /** Attempts, each of which goes on where the one before stopped; 3 unless told. */
  readonly attempts?: number
}

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
  { attempts = 3, ...options }: DownloadOptions,
): Promise<void> {
  const { url } = source
  for (let attempt = 1; ; attempt++)
    try {
      return await transfer(source, part, options)
    } catch (cause) {
      if (!(cause instanceof Interrupted)) throw cause
      if (attempt >= attempts)
        throw new CflowError('NETWORK', `${url} cannot be fetched: ${cause.message}`, {
          subject: url,
          cause,
        })
      await sleep(250 * 2 ** attempt)
    }
}

async function check({ url, file, size, sha256 }: PublishedWeights, part: string): Promise<void> {
  const found = await sizeOfFile(part)
  const digest = found === undefined ? '' : await sha256OfFile(part)
  const wrongSize = size !== undefined && found !== size
  if (!wrongSize && digest.startsWith(sha256)) return
  await rm(part, { force: true })
  const what = wrongSize
    ? `is ${found ?? 0} bytes instead of ${size}`
    : `has the SHA-256 ${digest} instead of ${sha256}…`
  throw new CflowError('WEIGHTS', `${url} ${what}; the file was removed`, {
    subject: file,
    hint: 'try again; if it stays so, something changes files on their way',
  })
}
