import { CflowError, messageOf } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { createClient, type InArgs, type ResultSet } from '@libsql/client'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { requireText, type Row, type Sql, type Statements, type Value } from './sql.js'

/** Milliseconds that a transaction waits for that of another process, and how often it then begins again. */
const busy = { timeout: 5000, attempts: 4 } as const

/** Of every file that this process uses, what happens last with it: transactions take turns, also those of two clients. */
const last = new Map<string, Promise<unknown>>()

/**
 * SQLite in one file, in WAL mode: readers do not wait, several processes of one machine may share it. One connection
 * is enough, and holds 2 MiB of pages at most: statements are over in less than a millisecond.
 *
 * @throws CflowError UNAVAILABLE where the file cannot be opened
 */
export async function openSqlite(path: string): Promise<Sql> {
  const file = resolve(path)
  await makeFolder(dirname(file))
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = (last.get(file) ?? Promise.resolve()).then(work)
    const settled = result.catch(() => undefined)
    last.set(file, settled)
    void settled.then(() => last.get(file) === settled && last.delete(file))
    return result
  }
  const client = openClient(file)
  const prepare = async () => {
    for (const pragma of ['journal_mode=WAL', 'synchronous=NORMAL', 'cache_size=-2048'])
      await client.execute(`PRAGMA ${pragma}`)
  }
  /** A connection whose statement found the file busy is not used again: the statement would stay open. */
  const begin = async () => {
    for (let attempt = 1; ; attempt++)
      try {
        return await client.transaction('write')
      } catch (error) {
        const { code = '' } = error as { code?: string }
        if (!code.startsWith('SQLITE_BUSY') || attempt === busy.attempts) throw error
        await client.reconnect()
        await prepare()
      }
  }
  const transaction = async <T>(work: (statements: Statements) => Promise<T>): Promise<T> => {
    const tx = await begin()
    try {
      const result = await work(on(tx))
      await tx.commit()
      return result
    } finally {
      tx.close()
    }
  }
  await inTurn(prepare).catch((cause: unknown) => {
    client.close()
    throw unusable(path, cause)
  })
  return {
    dialect: { name: 'sqlite', text: 'TEXT', forUpdate: '', skipLocked: '' },
    query: (sql, args) =>
      inTurn(() =>
        // what writes waits where its transaction begins
        /^\s*SELECT/i.test(sql)
          ? on(client).query(sql, args)
          : transaction((tx) => tx.query(sql, args)),
      ),
    transaction: (work) => inTurn(() => transaction(work)),
    close: () => inTurn(async () => client.close()),
  }
}

function openClient(file: string) {
  try {
    const url = pathToFileURL(file).href
    return createClient({ url, intMode: 'number', timeout: busy.timeout, concurrency: 1 })
  } catch (cause) {
    throw unusable(file, cause)
  }
}

const unusable = (path: string, cause: unknown) =>
  new CflowError('UNAVAILABLE', `cannot open the database ${path}: ${messageOf(cause)}`, {
    subject: path,
    hint: 'Check permissions and free space; a network folder is no place for it.',
    cause,
  })

interface Executes {
  execute(statement: { sql: string; args: InArgs }): Promise<ResultSet>
}

const on = (target: Executes): Statements => ({
  async query(sql, args = []) {
    requireText(args)
    return rowsOf(await target.execute({ sql, args: [...args] }))
  },
})

const rowsOf = ({ columns, rows }: ResultSet): readonly Row[] =>
  rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] as Value])))
