import { CflowError, isUserError, messageOf } from '@cflow/base'
import { CommanderError } from 'commander'
import { inspect } from 'node:util'
import { Interruption, printJson, type Session } from './io.js'

/** Thrown in place of what an abort threw, with what is left to go on with. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** Tell the user what went wrong, and choose the exit code. */
export function failure(session: Session, error: unknown): number {
  const { io } = session
  if (error instanceof CommanderError) return commanderFailure(session, error)
  if (io.signal.aborted) {
    const message = error instanceof Interrupted ? error.message : 'interrupted'
    io.err(`${message}\n`)
    if (session.json) printJson(session, { error: { code: 'INTERRUPTED', message } })
    const reason: unknown = io.signal.reason
    return reason instanceof Interruption ? reason.exitCode : 130
  }
  io.err(errorText(error))
  if (session.debug) io.err(`${inspect(error)}\n`)
  if (session.json) printJson(session, { error: plainError(error) })
  return isUserError(error) ? 2 : 1
}

/** Help and the version are no failures; everything else that commander throws is a mistake in usage. */
function commanderFailure(session: Session, error: CommanderError): number {
  if (error.exitCode === 0) return 0
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'cflow --help lists commands and options'
  const usage = new CflowError('USAGE', message, { hint })
  if (error.code !== 'commander.help') session.io.err(errorText(usage))
  if (session.json) printJson(session, { error: plainError(usage) })
  return 2
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
function plainError(error: unknown): Readonly<Record<string, string>> {
  const message = messageOf(error)
  if (!(error instanceof CflowError)) return { code: 'INTERNAL', message }
  const { code, subject, hint } = error
  return { code, message, ...(subject && { subject }), ...(hint && { hint }) }
}
