import { CflowError, isUserError, messageOf } from '@cflow/base'
import { CommanderError } from 'commander'
import { inspect } from 'node:util'
import { exitCodes } from './exit-codes.js'
import { Interruption, printJson, type Session } from './io.js'

/** Thrown in place of what an abort threw, with what is left to go on with. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The error for a file that would be written over. */
export const existing = (path: string): CflowError =>
  new CflowError('EXISTS', `${path} is there already`, {
    subject: path,
    hint: 'Choose another name, or add --overwrite to replace it.',
  })

/** Tell the user what went wrong, and choose the exit code. */
export function failure(session: Session, error: unknown): number {
  const { io } = session
  if (error instanceof CommanderError) return commanderFailure(session, error)
  if (io.signal.aborted) {
    const message = error instanceof Interrupted ? error.message : 'interrupted'
    io.err(`${message}\n`)
    report(session, { code: 'INTERRUPTED', message })
    const reason: unknown = io.signal.reason
    return reason instanceof Interruption ? reason.exitCode : 130
  }
  io.err(errorText(error))
  if (session.debug) io.err(`${inspect(error)}\n`)
  report(session, plainError(error))
  return isUserError(error) ? exitCodes.mistake : exitCodes.failure
}

/** The error on standard output, where that is read by programs: in the list that has begun, else as a document. */
function report(session: Session, error: PlainError): void {
  if (session.broken?.({ error: error.message, code: error.code })) return
  if (session.json) printJson(session, { error })
}

/** Help and the version are no failures; everything else that commander throws is a mistake in usage. */
function commanderFailure(session: Session, error: CommanderError): number {
  if (error.exitCode === 0) return 0
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'cflow --help lists commands and options'
  const usage = new CflowError('USAGE', message, { hint })
  if (error.code !== 'commander.help') session.io.err(errorText(usage))
  if (session.json) printJson(session, { error: plainError(usage) })
  return exitCodes.mistake
}

/** `error: MESSAGE`, then what is at fault and the way out, a line each. */
export function errorText(error: unknown): string {
  const unknown = {
    subject: undefined,
    hint: 'this should not happen; --debug shows where it does',
  }
  const { subject, hint } = error instanceof CflowError ? error : unknown
  const lines = [`error: ${messageOf(error).trim().replaceAll('\n', '\n  ')}`]
  if (subject) lines.push(`  at: ${subject}`)
  if (hint) lines.push(`  hint: ${hint}`)
  return `${lines.join('\n')}\n`
}

/** An error for JSON. */
interface PlainError {
  readonly code: string
  readonly message: string
  readonly subject?: string
  readonly hint?: string
}

function plainError(error: unknown): PlainError {
  const message = messageOf(error)
  if (!(error instanceof CflowError)) return { code: 'INTERNAL', message }
  const { code, subject, hint } = error
  return { code, message, ...(subject && { subject }), ...(hint && { hint }) }
}
