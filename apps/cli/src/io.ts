/** What a command has of the outside world; tests give their own. */
export interface Io {
  /** Standard output: results, and with `--json` exactly one document. */
  out(text: string): void
  /** Standard error: progress, notes, errors. */
  err(text: string): void
  /** Columns of the terminal that standard error is; undefined where it is none. */
  readonly columns: number | undefined
  /** Whether standard output is a terminal, which shows results as they come. */
  readonly isTerminal?: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C, or with an `Interruption` by another signal. */
  readonly signal: AbortSignal
  /** Sets how long work may take to end after that; it is ended then. */
  patience?(milliseconds: number): void
}

/** Why a process is to end. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  /** As shells count it: 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted')
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** What holds for one call of the command, whatever the subcommand. */
export interface Session {
  readonly io: Io
  /** The command as it was called, for reports. */
  readonly command?: string
  /** Print one JSON document instead of text. */
  json: boolean
  /** Print no progress and no notes. */
  quiet: boolean
  /** Stack traces with errors. */
  debug: boolean
  /** Ends a list that has begun on standard output with an error; false where none has begun. */
  broken?: (error: { readonly error: string; readonly code: string }) => boolean
  /** What the command makes of itself when nothing is thrown. */
  exitCode: number
}

/** A remark on standard error. */
export function note(session: Session, text: string): void {
  if (!session.quiet) session.io.err(`${text}\n`)
}

/** The one JSON document on standard output. */
export function printJson(session: Session, document: unknown): void {
  session.io.out(`${JSON.stringify(document, null, 2)}\n`)
}

/** 46827520 → '46.8 MB' */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** Names and what is said of each, a line each. */
export const listing = (rows: readonly (readonly [string, string])[], width = 10): string =>
  rows.map(([name, text]) => `${name.padEnd(width)} ${text}\n`).join('')

/** Rows as columns of equal width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((r) => r[c]!.length)))
  const line = (row: readonly string[]) => row.map((cell, c) => cell.padEnd(widths[c]!)).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

/** From what and how a report is made. */
export const madeBy = ({ command }: Session, folder: string | undefined) => ({ folder, command })
