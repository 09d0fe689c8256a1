import { CflowError, messageOf } from '@cflow/base'
import pg from 'pg'
import { requireText, type Row, type Sql, type Statements } from './sql.js'

/** Connections of one process. */
const poolSize = 5

const int8 = 20

/**
 * PostgreSQL from version 13 by its URL. All tables lie in the first schema of the connection's search path.
 *
 * @param onError what an idle connection reports that breaks; the next statement opens another
 * @throws CflowError UNAVAILABLE from every statement whose connection cannot be made or breaks
 */
export async function openPostgres(
  url: string,
  onError: (error: unknown) => void = () => undefined,
): Promise<Sql> {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    types: {
      // times and sizes are below 2^53
      getTypeParser: ((oid: number, format: 'text') =>
        oid === int8
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  })
  pool.on('error', onError)
  const on = (target: pg.Pool | pg.PoolClient): Statements => ({
    async query(sql, args = []) {
      requireText(args)
      let n = 0
      const text = sql.replaceAll('?', () => `$${++n}`)
      const { rows } = await target.query<Row>(text, [...args]).catch(unreachable)
      return rows
    },
  })
  return {
    dialect: {
      name: 'postgres',
      text: 'TEXT COLLATE "C"',
      forUpdate: 'FOR UPDATE',
      skipLocked: 'FOR UPDATE SKIP LOCKED',
      lockMigrations: 'SELECT pg_advisory_xact_lock(7301932)',
    },
    query: on(pool).query,
    async transaction(work) {
      const client = await pool.connect().catch(unreachable)
      const broken = (error: unknown) => onError(error)
      client.on('error', broken)
      let failure: Error | undefined
      try {
        await client.query('BEGIN').catch(unreachable)
        const result = await work(on(client))
        await client.query('COMMIT').catch(unreachable)
        return result
      } catch (error) {
        failure = error as Error
        await client.query('ROLLBACK').then(
          () => (failure = undefined),
          () => undefined,
        )
        throw error
      } finally {
        client.off('error', broken)
        client.release(failure)
      }
    },
    close: () => pool.end(),
  }
}

/** What the server itself refuses is a mistake of ours; all else is a connection that is not there. */
function unreachable(cause: unknown): never {
  const code = (cause as { code?: unknown }).code
  // class 57P and 08: the server shuts down, or the connection is gone; three letters and digits else: a refusal
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08|53)/.test(code))
    throw cause
  throw new CflowError('UNAVAILABLE', `the database does not answer: ${messageOf(cause)}`, {
    hint: 'Check CFLOW_DATABASE_URL, and that PostgreSQL runs.',
    cause,
  })
}
