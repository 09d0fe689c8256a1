import { open } from 'node:fs/promises'
import { CflowError, messageOf, type AnyAbortSignal } from '@cflow/base'
import { writingError } from '@cflow/base/node'
import type { PublishedWeights } from '../weights.js'
import { sizeOfFile } from './files.js'

export interface TransferOptions {
  readonly signal?: AnyAbortSignal
  /** Told the bytes that are there and, where known, how many there will be. */
  readonly onProgress?: (bytes: number, total: number | undefined) => void
  /** Milliseconds without a byte after which an attempt is given up; a minute unless told. */
  readonly idle?: number
}

/** A connection that failed or broke off; asking again may go on where it stopped. */
export class Interrupted extends Error {}

/** Of a file whose size is not known. */
const maxBytes = 2 ** 31

/**
 * Fetch a file, going on where an earlier attempt stopped: the part that is there already is not asked for again.
 * @param path file that grows; when this returns it is whole, as far as the server says
 * @throws Interrupted when the connection fails, CflowError NETWORK when the server refuses or sends too much
 */
export async function transfer(
  { url, size = maxBytes }: PublishedWeights,
  path: string,
  { signal, onProgress, idle = 60_000 }: TransferOptions,
): Promise<void> {
  const silence = new AbortController()
  const watch = setTimeout(() => silence.abort(), idle)
  const stop = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal
  const progress = (bytes: number, total: number | undefined) => {
    watch.refresh()
    if (Math.max(bytes, total ?? 0) > size)
      throw new CflowError('NETWORK', 'the server sends more than the file that was asked for', {
        subject: path,
      })
    if (bytes > 0) onProgress?.(bytes, total)
  }
  try {
    const have = (await sizeOfFile(path)) ?? 0
    // without compression, so that bytes sent are bytes of the file
    const headers = new Headers({ 'accept-encoding': 'identity' })
    if (have > 0) headers.set('range', `bytes=${have}-`)
    const response = await fetch(url, { headers, signal: stop })
    const from = response.status === 206 ? startOf(response) : 0
    if (response.ok && (from === 0 || from === have))
      return await receive(response, path, from, progress)
    await response.body?.cancel()
    // 416: nothing of the file lies after what is there. It is whole, or another file's; its digest will tell
    if (response.status === 416) return
    const answer = `the server answers ${response.status}`
    if (response.status >= 500) throw new Interrupted(answer)
    throw new CflowError('NETWORK', `${url}: ${answer}`, { subject: url })
  } catch (error) {
    if (error instanceof CflowError || error instanceof Interrupted) throw error
    if (signal?.aborted) throw new CflowError('NETWORK', 'the download was stopped')
    const reason = error instanceof Error && error.cause ? error.cause : error
    const message = stop.aborted ? 'nothing came for too long' : messageOf(reason)
    throw new Interrupted(message, { cause: error })
  } finally {
    clearTimeout(watch)
  }
}

/** @param progress told the bytes that have come before they are written; throws when they are too many */
async function receive(
  response: Response,
  path: string,
  from: number,
  progress: (bytes: number, total: number | undefined) => void,
): Promise<void> {
  const failed = (error: unknown): never => {
    throw writingError(path, error)
  }
  const rest = response.headers.get('content-length')
  const total = rest === null ? undefined : from + Number(rest)
  let bytes = from
  progress(0, total)
  const file = await open(path, from === 0 ? 'w' : 'r+').catch(failed)
  try {
    for await (const piece of response.body ?? []) {
      const at = bytes
      progress((bytes += piece.length), total)
      await file.write(piece, 0, piece.length, at).catch(failed)
    }
  } finally {
    await file.close()
  }
  if (total !== undefined && bytes < total) throw new Interrupted('it ended too early')
}

/** Where a partial answer begins. */
function startOf(response: Response): number {
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')
  return range ? Number(range[1]) : -1
}
