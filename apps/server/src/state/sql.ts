import { CflowError } from '@cflow/base'

/** A value of a column; all that is more than text or a number is JSON in a text. */
export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>

/** What runs statements: a database, or a transaction of it. Parameters are written `?`, rows come as objects. */
export interface Statements {
  query(sql: string, args?: readonly Value[]): Promise<readonly Row[]>
}

/** What two databases say differently. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** Type of text that compares and sorts by its bytes. */
  readonly text: string
  /** Ends a SELECT in a transaction that will change the row. */
  readonly forUpdate: string
  /** The same, passing over the rows that another transaction is changing. */
  readonly skipLocked: string
  /** Statement that keeps other processes from migrating meanwhile; where a transaction does that already, none. */
  readonly lockMigrations?: string
}

export interface Sql extends Statements {
  readonly dialect: Dialect
  /** All or nothing; what it throws is thrown after the roll-back. */
  transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * One database keeps a NUL character in a text, the other refuses it; nothing that is meant has one.
 * @throws CflowError USAGE
 */
export function requireText(args: readonly Value[]): void {
  if (args.some((arg) => typeof arg === 'string' && arg.includes('\0')))
    throw new CflowError('USAGE', 'a text holds a NUL character')
}
