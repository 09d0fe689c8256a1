import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CflowError, messageOf } from '@cflow/base'

/**
 * The folder for files that can be fetched again: `CFLOW_HOME` where it is set, else the system's folder for caches
 * (`$XDG_CACHE_HOME/cflow` or `~/.cache/cflow`, `~/Library/Caches/cflow`, `%LOCALAPPDATA%\cflow\Cache`).
 */
export function cacheFolder(): string {
  const { env, platform } = process
  if (env['CFLOW_HOME']) return env['CFLOW_HOME']
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'cflow')
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'cflow', 'Cache')
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cflow')
}

/** The code of a file system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** A failed reading as an error about the path. */
const readingError = (path: string, error: unknown): CflowError =>
  new CflowError('IO', `reading ${path} failed: ${messageOf(error)}`, {
    subject: path,
    cause: error,
  })

/** Bytes of a file, or undefined where there is none. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw readingError(path, error)
  }
}

/** Refuse pipes, sockets and devices, whose reading may never end; what else is wrong with a path is told by reading it. */
async function requireOrdinary(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isFile() && !found.isDirectory())
    throw new CflowError('IO', `${path} is a pipe, a socket or a device, not a file`, {
      subject: path,
      hint: 'Give an ordinary file.',
    })
}

/**
 * The bytes of a file of at most 2 GiB.
 * @throws CflowError NOT_FOUND when there is none, IO when it cannot be read
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  await requireOrdinary(path)
  return readFile(path).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT'
      ? new CflowError('NOT_FOUND', `there is no file ${path}`, { subject: path })
      : readingError(path, error)
  })
}

/** SHA-256 of a file, in hexadecimal; read piece by piece. @throws CflowError IO when it cannot be read */
export async function sha256OfFile(path: string): Promise<string> {
  await requireOrdinary(path)
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array)
  } catch (error) {
    throw readingError(path, error)
  }
  return hash.digest('hex')
}

/** What goes wrong while the contents of a file are read, with the file's name. */
export function inFile<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CflowError)) throw error
    const { subject = path, hint } = error
    throw new CflowError(error.code, `${path}: ${error.message}`, {
      subject,
      ...(hint !== undefined && { hint }),
      cause: error,
    })
  }
}
