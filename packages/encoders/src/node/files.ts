import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
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
    throw ioError('reading', path, error)
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
    throw ioError('reading', path, error)
  }
}

/** Write a file under a temporary name and rename it, so that nothing half-written is ever there. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw ioError('writing', path, error)
  }
}

export const ioError = (what: string, path: string, error: unknown): CflowError =>
  new CflowError('IO', `${what} ${path} failed: ${messageOf(error)}`, {
    subject: path,
    cause: error,
  })
