import type { FileHandle } from 'node:fs/promises'
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
  const have = (await sizeOfFile(path)) ?? 0
  const watch = new Watch(options)
  try {
    const response = await request(url, have, watch)
    if (response.status === 416) {
      // nothing of the file lies after what is there: it is whole, or another file's; its digest will tell
      await response.body?.cancel()
      return
    }
    if (!response.ok) {
      await response.body?.cancel()
      throw refused(url, response)
    }
    const from = response.status === 206 ? startOf(response) : 0
    if (from !== 0 && from !== have) throw refused(url, response)
    await receive(response, path, from, watch, options)
  } finally {
    watch.end()
  }
}

async function request(url: string, have: number, watch: Watch): Promise<Response> {
  // without compression, so that bytes sent are bytes of the file
  const headers = new Headers({ 'accept-encoding': 'identity' })
  if (have > 0) headers.set('range', `bytes=${have}-`)
  try {
    return await fetch(url, { headers, signal: watch.signal })
  } catch (error) {
    throw watch.failure(error)
  }
}

async function receive(
  response: Response,
  path: string,
  from: number,
  watch: Watch,
  options: TransferOptions,
): Promise<void> {
  const rest = Number(response.headers.get('content-length') ?? NaN)
  const total = Number.isNaN(rest) ? undefined : from + rest
  if (total !== undefined && total > options.maxBytes) throw tooLong(path)
  const file = await openAt(path, from)
  let bytes = from
  try {
    for await (const piece of response.body ?? []) {
      watch.alive()
      bytes += piece.length
      if (bytes > options.maxBytes) throw tooLong(path)
      await write(file, piece, bytes - piece.length, path)
      options.onProgress?.(bytes, total)
    }
  } catch (error) {
    if (error instanceof CflowError) throw error
    throw watch.failure(error)
  } finally {
    await file.close()
  }
  if (total !== undefined && bytes < total) throw new Interrupted('it ended too early')
}

async function openAt(path: string, from: number): Promise<FileHandle> {
  try {
    return await open(path, from === 0 ? 'w' : 'r+')
  } catch (error) {
    throw writingError(path, error)
  }
}

async function write(file: FileHandle, piece: Uint8Array, at: number, path: string): Promise<void> {
  try {
    await file.write(piece, 0, piece.length, at)
  } catch (error) {
    throw writingError(path, error)
  }
}

/** Where a partial answer begins. */
function startOf(response: Response): number {
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')
  return range ? Number(range[1]) : -1
}

const tooLong = (path: string): CflowError =>
  new CflowError('NETWORK', 'the server sends more than the file that was asked for', {
    subject: path,
  })

const refused = (url: string, response: Response): CflowError | Interrupted =>
  response.status >= 500
    ? new Interrupted(`the server answers ${response.status}`)
    : new CflowError('NETWORK', `${url}: the server answers ${response.status}`, { subject: url })

/** Aborts a request that is silent for too long, or when the caller says so. */
class Watch {
  readonly #controller = new AbortController()
  readonly #options: TransferOptions
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: TransferOptions) {
    this.#options = options
    options.signal?.addEventListener('abort', this.#stop)
    if (options.signal?.aborted) this.#stop()
    this.alive()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  alive(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#stop, this.#options.idle)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#stop)
  }

  /** What a failed request comes out as. */
  failure(error: unknown): Error {
    if (this.#options.signal?.aborted) return new CflowError('NETWORK', 'the download was stopped')
    if (this.signal.aborted) return new Interrupted('nothing came for too long', { cause: error })
    const reason = error instanceof Error && error.cause ? error.cause : error
    return new Interrupted(messageOf(reason), { cause: error })
  }

  readonly #stop = (): void => this.#controller.abort()
}
