import { open } from 'node:fs/promises'
import { CflowError, messageOf } from '@cflow/base'
import { writingError } from '@cflow/base/node'
import { sizeOfFile } from './files.js'

export interface TransferOptions {
  /** More bytes than this are refused. */
  readonly maxBytes: number
  /** Milliseconds without a byte after which the connection counts as lost. */
  readonly idle: number
  readonly signal?: AbortSignal | undefined
  /** Told the bytes that are there and, where the server says so, how many there will be. */
  readonly onProgress?: ((bytes: number, total: number | undefined) => void) | undefined
}

/** A connection that failed or broke off; asking again may go on where it stopped. */
export class Interrupted extends Error {}

/**
 * Fetch a file, going on where an earlier attempt stopped: the part that is there already is not asked for again.
 * @param path file that grows; when this returns it is whole, as far as the server says
 * @throws Interrupted when the connection fails, CflowError NETWORK when the server refuses
 */
export async function transfer(url: string, path: string, options: TransferOptions): Promise<void> {
  const { signal, idle } = options
  const silence = new AbortController()
  const watch = setTimeout(() => silence.abort(), idle)
  const stop = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal
  try {
    const have = (await sizeOfFile(path)) ?? 0
    // without compression, so that bytes sent are bytes of the file
    const headers = new Headers({ 'accept-encoding': 'identity' })
    if (have > 0) headers.set('range', `bytes=${have}-`)
    const response = await fetch(url, { headers, signal: stop })
    const from = response.status === 206 ? startOf(response) : 0
    if (!response.ok || (from !== 0 && from !== have)) {
      await response.body?.cancel()
      // nothing of the file lies after what is there: it is whole, or another file's; its digest will tell
      if (response.status === 416) return
      throw refused(url, response)
    }
    await receive(response, path, from, { ...options, alive: () => watch.refresh() })
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

async function receive(
  response: Response,
  path: string,
  from: number,
  { maxBytes, onProgress, alive }: TransferOptions & { readonly alive: () => void },
): Promise<void> {
  const failed = (error: unknown): never => {
    throw writingError(path, error)
  }
  const rest = response.headers.get('content-length')
  const total = rest === null ? undefined : from + Number(rest)
  let bytes = from
  const check = (size: number): void => {
    if (size > maxBytes)
      throw new CflowError('NETWORK', 'the server sends more than the file that was asked for', {
        subject: path,
      })
  }
  check(total ?? 0)
  const file = await open(path, from === 0 ? 'w' : 'r+').catch(failed)
  try {
    for await (const piece of response.body ?? []) {
      alive()
      check(bytes + piece.length)
      await file.write(piece, 0, piece.length, bytes).catch(failed)
      bytes += piece.length
      onProgress?.(bytes, total)
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

const refused = (url: string, response: Response): CflowError | Interrupted =>
  response.status >= 500
    ? new Interrupted(`the server answers ${response.status}`)
    : new CflowError('NETWORK', `${url}: the server answers ${response.status}`, { subject: url })
