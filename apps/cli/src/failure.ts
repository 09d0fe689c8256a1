import { CflowError, isUserError, messageOf } from '@cflow/base'
import { CommanderError } from 'commander'
import { inspect } from 'node:util'
import { printJson } from './io.js'
import type { Session } from './io.js'

/** Exit code of a command that Ctrl-C ended, as shells count it. */
export const interruptedCode = 130

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
    return interruptedCode
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
  const { subject, hint } = error instanceof CflowError ? error : { subject: '', hint: undefined }
  const lines = [`error: ${messageOf(error).trim().replaceAll('\n', '\n  ')}`]
  if (subject) lines.push(`  at: ${subject}`)
  if (hint) lines.push(`  hint: ${hint}`)
  if (!(error instanceof CflowError))
    lines.push('  hint: this should not happen; --debug shows where it does')
  return `${lines.join('\n')}\n`
}

/** An error for JSON. */
export function plainError(error: unknown): Readonly<Record<string, string>> {
  const known = error instanceof CflowError ? error : undefined
  return {
    code: known?.code ?? 'INTERNAL',
    message: messageOf(error),
    ...(known?.subject && { subject: known.subject }),
    ...(known?.hint && { hint: known.hint }),
  }
}
