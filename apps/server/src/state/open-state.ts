import { join } from 'node:path'
import { migrate } from './migrations.js'
import { recordsOver } from './records.js'
import { openSqlite } from './sqlite.js'
import type { State } from './state.js'

/**
 * The records: in PostgreSQL where its URL is given, else in `state.db` of the folder.
 * @throws CflowError UNAVAILABLE, CONFIG for a database of a later version
 */
export async function openState({
  data,
  databaseUrl,
  onError,
}: {
  readonly data: string
  readonly databaseUrl?: string | undefined
  /** Hears of connections that break while nobody uses them. */
  readonly onError?: (error: unknown) => void
}): Promise<State> {
  const sql =
    databaseUrl === undefined
      ? await openSqlite(join(data, 'state.db'))
      : await (await import('./postgres.js')).openPostgres(databaseUrl, onError)
  try {
    await migrate(sql)
  } catch (error) {
    await sql.close().catch(() => undefined)
    throw error
  }
  return recordsOver(sql)
}
