import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CflowError, messageOf, type ErrorCode } from '../errors.js'

/** What should be at a path, for errors. */
export interface Expected {
  readonly code: ErrorCode
  /** Such as `an image`. */
  readonly what: string
  /** What to do about a folder. */
  readonly hint?: string
}

/**
 * The size of an ordinary file in bytes, before it is opened: reading a named pipe that nobody writes to, or a device,
 * would never end.
 * @throws CflowError as `fileError`; of a pipe, a socket or a device with the code of the thing that should be there
 */
export async function fileSize(path: string, expected: Expected): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError(path, cause, expected)
  })
  if (found.isFile()) return found.size
  if (found.isDirectory()) throw fileError(path, { code: 'EISDIR' }, expected)
  throw new CflowError(expected.code, `${path} is ${kindOf(found)}, not ${expected.what}`, {
    subject: path,
    hint: 'Give an ordinary file.',
  })
}

/** What is at a path that is no ordinary file. */
function kindOf(found: Stats): string {
  if (found.isFIFO()) return 'a named pipe'
  return found.isSocket() ? 'a socket' : 'a device'
}

/**
 * A failed file operation of Node as an error about the path: NOT_FOUND, IO, or for a folder the code of the thing that
 * should be there.
 */
export function fileError(path: string, cause: unknown, expected: Expected): CflowError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const { what, hint } = expected
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new CflowError('NOT_FOUND', `there is no ${path}`, {
      subject: path,
      hint: 'Check the path; relative paths start at the current folder.',
      cause,
    })
  if (code === 'EISDIR')
    return new CflowError(expected.code, `${path} is a folder, not ${what}`, {
      subject: path,
      cause,
      ...(hint !== undefined && { hint }),
    })
  return new CflowError('IO', `cannot access ${path}: ${code ?? messageOf(cause)}`, {
    subject: path,
    hint: 'Check permissions and free space.',
    cause,
  })
}
