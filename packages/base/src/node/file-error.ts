import { CflowError, messageOf, type ErrorCode } from '../errors.js'

/**
 * A failed file operation of Node as an error about the path: NOT_FOUND, IO, or for a folder the code of the thing that
 * should be there.
 */
export function fileError(
  path: string,
  cause: unknown,
  expected: {
    readonly code: ErrorCode
    /** Such as `an image`. */
    readonly what: string
    /** What to do about a folder. */
    readonly hint?: string
  },
): CflowError {
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
