import { readFile, stat } from 'node:fs/promises'
import { CflowError, messageOf } from '@cflow/base'

/** The code of a file system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Bytes of a file, or undefined where there is none. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw readingError(path, error)
  }
}

/**
 * The bytes of a file of at most 2 GiB.
 * @throws CflowError NOT_FOUND when there is none, IO when it cannot be read
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw new CflowError('NOT_FOUND', `there is no file ${path}`, { subject: path })
    throw readingError(path, error)
  }
}

/** A failed reading as an error about the path. */
export const readingError = (path: string, error: unknown): CflowError =>
  new CflowError('IO', `reading ${path} failed: ${messageOf(error)}`, {
    subject: path,
    cause: error,
  })

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
