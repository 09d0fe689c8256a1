import { CflowError } from '@cflow/base'
import type { Row, Sql, Statements, Value } from './sql.js'
import {
  maybe,
  json,
  tokenOf,
  detectorOf,
  versionOf,
  datasetOf,
  fileOf,
  jobOf,
  eventOf,
  sinkOf,
  deliveryOf,
} from './rows.js'
import type { State, VersionRecord } from './state.js'

/** Activations that can be rolled back at most. */
const remembered = 100

/** What the server remembers, over either database: the same statements. */
export function recordsOver(sql: Sql): State {
  const { forUpdate, skipLocked } = sql.dialect
  /** What `lease` takes: see there. One parameter, the time. */
  const free = `(status = 'queued' OR (status = 'running' AND lease_until < ?))`
  const held = `id = ? AND status = 'running' AND lease_token = ?`
  const query = sql.query.bind(sql)
  const one = async (text: string, args: readonly Value[]) => (await query(text, args))[0]
  const changed = async (text: string, args: readonly Value[]) =>
    (await query(`${text} RETURNING 1 AS changed`, args)).length > 0

  return {
    tokens: {
      async add({ id, name, hash, scopes, createdAt, expiresAt, revokedAt }) {
        await query('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)', [
          ...[id, name, hash, JSON.stringify(scopes)],
          ...[createdAt, expiresAt ?? null, revokedAt ?? null],
        ])
      },
      byHash: async (hash) => maybe(tokenOf, await one('SELECT * FROM tokens WHERE hash = ?', [hash])), // prettier-ignore
      list: async () => (await query('SELECT * FROM tokens ORDER BY created_at, id')).map(tokenOf),
      revoke: (id, at) =>
        changed('UPDATE tokens SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?', [at, id]),
    },
    detectors: {
      list: async () => (await query('SELECT * FROM detectors ORDER BY id')).map(detectorOf),
      get: async (id) => maybe(detectorOf, await one('SELECT * FROM detectors WHERE id = ?', [id])),
      addVersion: (version, { activate }) =>
        sql.transaction((tx) => addVersion(tx, forUpdate, version, activate)),
      versions: async (detector) =>
        (await query('SELECT * FROM versions WHERE detector = ? ORDER BY version', [detector])).map(
          versionOf,
        ),
      version: async (detector, version) =>
        maybe(
          versionOf,
          await one('SELECT * FROM versions WHERE detector = ? AND version = ?', [
            detector,
            version,
          ]),
        ),
      activate: (detector, version) =>
        sql.transaction(async (tx) => {
          const found = await locked(tx, forUpdate, detector)
          if (!found || !(await hasVersion(tx, detector, version))) return false
          await setActive(tx, found, version)
          return true
        }),
      rollBack: (detector) =>
        sql.transaction(async (tx) => {
          const found = await locked(tx, forUpdate, detector)
          if (!found) return undefined
          const earlier = earlierOf(found)
          for (let n = earlier.length - 1; n >= 0; n--) {
            const version = earlier[n]!
            if (!(await hasVersion(tx, detector, version))) continue
            const rest = JSON.stringify(earlier.slice(0, n))
            await tx.query('UPDATE detectors SET active = ?, earlier = ? WHERE id = ?', [
              ...[version, rest, detector],
            ])
            return { ...detectorOf(found), active: version }
          }
          return undefined
        }),
      removeVersion: (detector, version) =>
        sql.transaction(async (tx) => {
          const found = await locked(tx, forUpdate, detector)
          if (!found || !(await hasVersion(tx, detector, version))) return undefined
          if (found['active'] === version)
            throw new CflowError('CONFLICT', `version ${version} of ${detector} is active`, {
              subject: String(version),
              hint: 'Activate another version first, or delete the detector.',
            })
          return removed(tx, 'detector = ? AND version = ?', [detector, version])
        }),
      remove: (detector) =>
        sql.transaction(async (tx) => {
          if (!(await locked(tx, forUpdate, detector))) return undefined
          await tx.query('DELETE FROM detectors WHERE id = ?', [detector])
          return removed(tx, 'detector = ?', [detector])
        }),
    },
    datasets: {
      create: ({ id, createdAt }) =>
        changed('INSERT INTO datasets VALUES (?, ?) ON CONFLICT (id) DO NOTHING', [id, createdAt]),
      list: async () => (await query('SELECT * FROM datasets ORDER BY id')).map(datasetOf),
      get: async (id) => maybe(datasetOf, await one('SELECT * FROM datasets WHERE id = ?', [id])),
      remove: (id) =>
        sql.transaction(async (tx) => {
          const rows = await tx.query('DELETE FROM datasets WHERE id = ? RETURNING id', [id])
          await tx.query('DELETE FROM dataset_files WHERE dataset = ?', [id])
          return rows.length > 0
        }),
      async size(id) {
        const row = await one(
          'SELECT COUNT(*) AS files, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM dataset_files WHERE dataset = ?',
          [id],
        )
        return { files: Number(row!['files']), bytes: Number(row!['bytes']) }
      },
      putFile: ({ dataset, path, digest, bytes, key }) =>
        sql.transaction(async (tx) => {
          const there = await tx.query(`SELECT id FROM datasets WHERE id = ? ${forUpdate}`, [
            dataset,
          ])
          if (there.length === 0) return false
          await tx.query(
            `INSERT INTO dataset_files VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (dataset, path) DO UPDATE SET digest = excluded.digest, bytes = excluded.bytes, key = excluded.key`,
            [dataset, path, digest, bytes, key],
          )
          return true
        }),
      file: async (dataset, path) =>
        maybe(
          fileOf,
          await one('SELECT * FROM dataset_files WHERE dataset = ? AND path = ?', [dataset, path]),
        ),
      removeFile: (dataset, path) =>
        changed('DELETE FROM dataset_files WHERE dataset = ? AND path = ?', [dataset, path]),
      async files(dataset, { after = '', limit = 1_000_000 } = {}) {
        const text =
          'SELECT * FROM dataset_files WHERE dataset = ? AND path > ? ORDER BY path LIMIT ?'
        return (await query(text, [dataset, after, limit])).map(fileOf)
      },
      uses: async (key) =>
        (await one('SELECT 1 AS used FROM dataset_files WHERE key = ? LIMIT 1', [key])) !==
        undefined,
    },
    jobs: {
      async add(job) {
        const { lease } = job
        await query(`INSERT INTO jobs VALUES (${Array(17).fill('?').join(', ')})`, [
          ...[job.id, job.kind, JSON.stringify(job.input), job.status, job.createdAt],
          ...[job.startedAt ?? null, job.endedAt ?? null, job.cancelRequested ? 1 : 0],
          ...[lease?.token ?? null, lease?.worker ?? null, lease?.until ?? null, job.crashes],
          ...[job.checkpoint ?? null, json(job.progress), json(job.result), json(job.error), 0],
        ])
      },
      get: async (id) => maybe(jobOf, await one('SELECT * FROM jobs WHERE id = ?', [id])),
      async list({ status, limit = 1000 } = {}) {
        const where = status === undefined ? '' : 'WHERE status = ?'
        const text = `SELECT * FROM jobs ${where} ORDER BY created_at DESC, id DESC LIMIT ?`
        return (await query(text, [...(status === undefined ? [] : [status]), limit])).map(jobOf)
      },
      async lease(worker, token, until, only) {
        const now = Date.now()
        const chosen = only === undefined ? '' : 'AND id = ?'
        const row = await one(
          `UPDATE jobs SET crashes = crashes + CASE WHEN status = 'running' THEN 1 ELSE 0 END, status = 'running',
            started_at = COALESCE(started_at, ?), lease_token = ?, lease_worker = ?, lease_until = ?
          WHERE id = (SELECT id FROM jobs WHERE ${free} ${chosen} ORDER BY created_at, id LIMIT 1 ${skipLocked}) RETURNING *`,
          [now, token, worker, until, now, ...(only === undefined ? [] : [only])],
        )
        return maybe(jobOf, row)
      },
      async waiting(limit) {
        const text = `SELECT id FROM jobs WHERE ${free} ORDER BY created_at, id LIMIT ?`
        return (await query(text, [Date.now(), limit])).map((row) => String(row['id']))
      },
      renew: (id, token, until) =>
        changed(`UPDATE jobs SET lease_until = ? WHERE ${held}`, [until, id, token]),
      progress: (id, token, progress) =>
        changed(`UPDATE jobs SET progress = ? WHERE ${held}`, [json(progress), id, token]),
      checkpoint: (id, token, key) =>
        sql.transaction(async (tx) => {
          const [row] = await tx.query(`SELECT checkpoint FROM jobs WHERE ${held} ${forUpdate}`, [
            ...[id, token],
          ])
          if (!row) return false
          await tx.query('UPDATE jobs SET checkpoint = ? WHERE id = ?', [key, id])
          return (row['checkpoint'] as string | null) ?? undefined
        }),
      release: (id, token, outcome) =>
        sql.transaction(async (tx) => {
          const [row] = await tx.query(`SELECT id FROM jobs WHERE ${held} ${forUpdate}`, [id, token]) // prettier-ignore
          if (!row) return false
          const free = 'lease_token = NULL, lease_worker = NULL, lease_until = NULL'
          if (outcome.status === 'queued') {
            await tx.query(`UPDATE jobs SET status = 'queued', crashes = crashes + ?, ${free} WHERE id = ?`, [outcome.crashed ? 1 : 0, id]) // prettier-ignore
            return true
          }
          const { status, at } = outcome
          let result = status === 'succeeded' ? outcome.result : undefined
          if (status === 'succeeded' && outcome.promote) {
            const { version, activate } = outcome.promote
            const added = await addVersion(tx, forUpdate, version, activate)
            result = { ...result, detector: added.detector, version: added.version }
          }
          const error = status === 'failed' ? outcome.error : undefined
          await tx.query(
            `UPDATE jobs SET status = ?, ended_at = ?, result = ?, error = ?, checkpoint = NULL, ${free} WHERE id = ?`,
            [status, at, json(result), json(error), id],
          )
          return true
        }),
      requestCancel: (id, at) =>
        sql.transaction(async (tx) => {
          const [row] = await tx.query(`SELECT * FROM jobs WHERE id = ? ${forUpdate}`, [id])
          if (!row) return undefined
          const set = {
            queued: `status = 'cancelled', cancel_requested = 1, ended_at = ?`,
            running: 'cancel_requested = 1',
          }[row['status'] as string]
          if (set === undefined) return jobOf(row)
          const args = row['status'] === 'queued' ? [at, id] : [id]
          const [after] = await tx.query(`UPDATE jobs SET ${set} WHERE id = ? RETURNING *`, args)
          return jobOf(after!)
        }),
      remove: (id) =>
        sql.transaction(async (tx) => {
          const rows = await tx.query(
            'DELETE FROM jobs WHERE id = ? AND ended_at IS NOT NULL RETURNING id',
            [id],
          )
          if (rows.length === 0) return false
          await tx.query('DELETE FROM job_events WHERE job = ?', [id])
          return true
        }),
      async endedBefore(time, limit) {
        const text = 'SELECT id FROM jobs WHERE ended_at < ? ORDER BY ended_at, id LIMIT ?'
        return (await query(text, [time, limit])).map((row) => String(row['id']))
      },
      addEvent: (job, at, event) =>
        sql.transaction(async (tx) => {
          const [row] = await tx.query(
            'UPDATE jobs SET events = events + 1 WHERE id = ? RETURNING events',
            [job],
          )
          if (!row) throw new CflowError('NOT_FOUND', `there is no job ${job}`, { subject: job })
          const sequence = Number(row['events'])
          await tx.query('INSERT INTO job_events VALUES (?, ?, ?, ?)', [
            ...[job, sequence, at, JSON.stringify(event)],
          ])
          return { job, sequence, at, event }
        }),
      events: async (job, after) =>
        (
          await query('SELECT * FROM job_events WHERE job = ? AND sequence > ? ORDER BY sequence', [
            job,
            after,
          ])
        ).map(eventOf),
    },
    sinks: {
      async add({ id, kind, createdAt, config }) {
        await query('INSERT INTO sinks VALUES (?, ?, ?, ?)', [id, kind, createdAt, json(config)])
      },
      list: async () => (await query('SELECT * FROM sinks ORDER BY created_at, id')).map(sinkOf),
      get: async (id) => maybe(sinkOf, await one('SELECT * FROM sinks WHERE id = ?', [id])),
      remove: (id) =>
        sql.transaction(async (tx) => {
          const rows = await tx.query('DELETE FROM sinks WHERE id = ? RETURNING id', [id])
          await tx.query('DELETE FROM deliveries WHERE sink = ?', [id])
          return rows.length > 0
        }),
      enqueue: (d, maximum) =>
        sql.transaction(async (tx) => {
          const count = 'SELECT COUNT(*) AS n FROM deliveries WHERE sink = ?'
          if (Number((await tx.query(count, [d.sink]))[0]!['n']) >= maximum) return false
          await tx.query('INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?)', [
            ...[d.id, d.sink, d.createdAt, d.attempts, d.nextAt, d.dead ? 1 : 0],
            ...[JSON.stringify(d.payload), d.lastError ?? null],
          ])
          return true
        }),
      due: async (now, hideUntil, limit) =>
        (
          await query(
            `UPDATE deliveries SET next_at = ? WHERE id IN
              (SELECT id FROM deliveries WHERE dead = 0 AND next_at <= ? ORDER BY next_at, id LIMIT ? ${skipLocked}) RETURNING *`,
            [hideUntil, now, limit],
          )
        )
          .map(deliveryOf)
          .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
      async delivered(id) {
        await query('DELETE FROM deliveries WHERE id = ?', [id])
      },
      async failed(id, { attempts, nextAt, dead, lastError }) {
        const text =
          'UPDATE deliveries SET attempts = ?, next_at = ?, dead = ?, last_error = ? WHERE id = ?'
        await query(text, [attempts, nextAt, dead ? 1 : 0, lastError ?? null, id])
      },
      dead: async (sink) =>
        (await query('SELECT * FROM deliveries WHERE sink = ? AND dead = 1 ORDER BY created_at, id', [sink])) // prettier-ignore
          .map(deliveryOf),
      revive: async (sink, at) =>
        (
          await query(
            'UPDATE deliveries SET dead = 0, attempts = 0, next_at = ? WHERE sink = ? AND dead = 1 RETURNING id',
            [at, sink],
          )
        ).length,
    },
    async ping() {
      await query('SELECT 1 AS one')
    },
    close: () => sql.close(),
  }
}

/** The row of a detector, nobody else's until the transaction ends. */
const locked = async (tx: Statements, forUpdate: string, id: string) =>
  (await tx.query(`SELECT * FROM detectors WHERE id = ? ${forUpdate}`, [id]))[0]

const hasVersion = async (tx: Statements, detector: string, version: number) =>
  (await tx.query('SELECT 1 AS there FROM versions WHERE detector = ? AND version = ?', [detector, version])).length > 0 // prettier-ignore

const earlierOf = (row: Row): readonly number[] => JSON.parse(String(row['earlier'])) as number[]

async function setActive(tx: Statements, row: Row, version: number): Promise<void> {
  const active = row['active'] as number | null
  if (active === version) return
  const earlier = [...earlierOf(row), ...(active === null ? [] : [active])].slice(-remembered)
  await tx.query('UPDATE detectors SET active = ?, earlier = ? WHERE id = ?', [
    ...[version, JSON.stringify(earlier), row['id']!],
  ])
}

async function addVersion(
  tx: Statements,
  forUpdate: string,
  version: Omit<VersionRecord, 'version'>,
  activate: boolean,
): Promise<VersionRecord> {
  const { detector, createdAt, digest, bytes, key, summary, source } = version
  await tx.query(`INSERT INTO detectors VALUES (?, ?, NULL, '[]') ON CONFLICT (id) DO NOTHING`, [
    detector,
    createdAt,
  ])
  const row = (await locked(tx, forUpdate, detector))!
  const [counter] = await tx.query(
    `INSERT INTO version_counters VALUES (?, 1)
    ON CONFLICT (detector) DO UPDATE SET last = version_counters.last + 1 RETURNING last`,
    [detector],
  )
  const number = Number(counter!['last'])
  await tx.query('INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    ...[detector, number, createdAt, digest, bytes, key, JSON.stringify(summary)],
    ...[source.kind, source.kind === 'job' ? source.job : null],
  ])
  if (activate) await setActive(tx, row, number)
  return { ...version, version: number }
}

/** Deletes versions. @returns the keys that none of the others name */
async function removed(
  tx: Statements,
  where: string,
  args: readonly Value[],
): Promise<readonly string[]> {
  const rows = await tx.query(`DELETE FROM versions WHERE ${where} RETURNING key`, args)
  const keys = [...new Set(rows.map((row) => String(row['key'])))]
  const unused: string[] = []
  for (const key of keys) {
    const others = await tx.query('SELECT 1 AS used FROM versions WHERE key = ? LIMIT 1', [key])
    if (others.length === 0) unused.push(key)
  }
  return unused
}
