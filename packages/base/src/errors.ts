/** What went wrong, in a form that programs can rely on. The set may grow; a code never changes its meaning. */
export type ErrorCode =
  | 'USAGE' // an option or argument is wrong
  | 'CONFIG' // a configuration file or object does not fit its schema
  | 'NOT_FOUND' // a path, category or name does not exist
  | 'EMPTY' // a folder or selection holds nothing usable
  | 'EXISTS' // a result is there already, and was not to be overwritten
  | 'BUSY' // another process writes into that folder
  | 'TOO_FEW_IMAGES'
  | 'IMAGE' // an image cannot be decoded, or has an unsupported size
  | 'MASK' // a mask without its image, or of another size
  | 'WEIGHTS' // a weight file is damaged, of another model, or missing
  | 'CHECKPOINT' // a checkpoint is damaged or belongs to other settings
  | 'MODEL' // a model file is not ours or cannot be run
  | 'SHAPE' // tensors or graph values do not fit together
  | 'RUNTIME' // the inference runtime failed or is missing
  | 'ACCURACY' // a smaller model file is not accurate enough
  | 'IO' // reading or writing failed (permissions, disk full)
  | 'NETWORK' // a download failed or the machine is offline
  // of the server, about a request
  | 'UNAUTHENTICATED' // no token, or one that is wrong, expired or revoked
  | 'FORBIDDEN' // the token's scopes or the configuration do not allow it
  | 'METHOD' // the address exists, the method does not
  | 'TOO_LARGE' // more bytes or parts than are taken
  | 'DIGEST' // bytes are not those of the SHA-256 that was said
  | 'MEDIA_TYPE' // a body of a kind that is not read there
  | 'NOT_ACCEPTABLE' // none of the kinds of answer that were asked for can be given
  | 'CONFLICT' // the thing is in a state in which this cannot be done
  | 'RATE_LIMITED' // too many requests of one client
  | 'TIMEOUT' // a request or an answer took too long
  // of the server, about itself
  | 'OVERLOADED' // its queue is full
  | 'UNAVAILABLE' // a worker, the database or the storage failed, or the server is ending
  | 'CRASHED' // the process of a job died again and again
  | 'INTERNAL' // a defect

export interface CflowErrorOptions {
  /** The thing at fault: a path, field or tensor name. */
  readonly subject?: string
  /** What the user can do about it, as one sentence. */
  readonly hint?: string
  readonly cause?: unknown
}

/** A mistake or failure that a user can understand and act on. */
export class CflowError extends Error {
  override readonly name = 'CflowError'
  readonly code: ErrorCode
  readonly subject: string | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: CflowErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.subject = options.subject
    this.hint = options.hint
  }
}

const failures: readonly ErrorCode[] = [
  'CRASHED',
  'RUNTIME',
  'ACCURACY',
  'IO',
  'NETWORK',
  'SHAPE',
  'OVERLOADED',
  'UNAVAILABLE',
  'INTERNAL',
]

/** True for errors that the user's input caused (exit code 2), false for failures (exit code 1). */
export function isUserError(error: unknown): boolean {
  if (!(error instanceof CflowError)) return false
  return !failures.includes(error.code)
}

/** The message of anything thrown, for one line of output. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
