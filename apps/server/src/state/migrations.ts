import { CflowError } from '@cflow/base'
import type { Dialect, Sql } from './sql.js'

/** Forward only: a migration that was released is never changed, another one is added. */
const migrations: readonly ((dialect: Dialect) => readonly string[])[] = [
  ({ text }) => [
    `CREATE TABLE tokens (id ${text} PRIMARY KEY, name ${text} NOT NULL, hash ${text} NOT NULL UNIQUE, scopes ${text} NOT NULL,
      created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT)`,
    // outlives its detector, so that no version is given twice
    `CREATE TABLE version_counters (detector ${text} PRIMARY KEY, last BIGINT NOT NULL)`,
    `CREATE TABLE detectors (id ${text} PRIMARY KEY, created_at BIGINT NOT NULL, active BIGINT, earlier ${text} NOT NULL)`,
    `CREATE TABLE versions (detector ${text} NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, digest ${text} NOT NULL,
      bytes BIGINT NOT NULL, key ${text} NOT NULL, summary ${text} NOT NULL, source ${text} NOT NULL, job ${text},
      PRIMARY KEY (detector, version))`,
    `CREATE INDEX versions_by_key ON versions (key)`,
    `CREATE TABLE datasets (id ${text} PRIMARY KEY, created_at BIGINT NOT NULL)`,
    `CREATE TABLE dataset_files (dataset ${text} NOT NULL, path ${text} NOT NULL, digest ${text} NOT NULL, bytes BIGINT NOT NULL,
      key ${text} NOT NULL, PRIMARY KEY (dataset, path))`,
    `CREATE INDEX dataset_files_by_key ON dataset_files (key)`,
    `CREATE TABLE jobs (id ${text} PRIMARY KEY, kind ${text} NOT NULL, input ${text} NOT NULL, status ${text} NOT NULL,
      created_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT, cancel_requested BIGINT NOT NULL,
      lease_token ${text}, lease_worker ${text}, lease_until BIGINT, crashes BIGINT NOT NULL, checkpoint ${text},
      progress ${text}, result ${text}, error ${text}, events BIGINT NOT NULL)`,
    `CREATE INDEX jobs_by_status ON jobs (status, created_at)`,
    `CREATE TABLE job_events (job ${text} NOT NULL, sequence BIGINT NOT NULL, at BIGINT NOT NULL, event ${text} NOT NULL,
      PRIMARY KEY (job, sequence))`,
    `CREATE TABLE sinks (id ${text} PRIMARY KEY, kind ${text} NOT NULL, created_at BIGINT NOT NULL, config ${text} NOT NULL)`,
    `CREATE TABLE deliveries (id ${text} PRIMARY KEY, sink ${text} NOT NULL, created_at BIGINT NOT NULL, attempts BIGINT NOT NULL,
      next_at BIGINT NOT NULL, dead BIGINT NOT NULL, payload ${text} NOT NULL, last_error ${text})`,
    `CREATE INDEX deliveries_by_time ON deliveries (dead, next_at)`,
    `CREATE INDEX deliveries_by_sink ON deliveries (sink, dead)`,
  ],
]

/**
 * Bring the tables up to this version; of several processes that start at once, one does.
 * @throws CflowError CONFIG where a later version made them
 */
export async function migrate(sql: Sql): Promise<void> {
  const { dialect } = sql
  await sql.transaction(async (tx) => {
    if (dialect.lockMigrations !== undefined) await tx.query(dialect.lockMigrations)
    await tx.query(
      `CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)`,
    )
    const [row] = await tx.query('SELECT MAX(version) AS version FROM migrations')
    const version = Number(row?.['version'] ?? 0)
    if (version > migrations.length)
      throw new CflowError(
        'CONFIG',
        `the database is of a later version (${version}, this one knows ${migrations.length})`,
        { hint: 'Start the version that made it; there is no way back.' },
      )
    for (const [i, statements] of migrations.entries()) {
      if (i < version) continue
      for (const statement of statements(dialect)) await tx.query(statement)
      await tx.query('INSERT INTO migrations VALUES (?, ?)', [i + 1, Date.now()])
    }
  })
}
