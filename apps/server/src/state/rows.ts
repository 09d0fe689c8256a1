import type { Row, Value } from './sql.js'
import type {
  DatasetFileRecord,
  DatasetRecord,
  DeliveryRecord,
  DetectorRecord,
  JobEventRecord,
  JobKind,
  JobRecord,
  JobStatus,
  Scope,
  SinkRecord,
  TokenRecord,
  VersionRecord,
} from './state.js'

export const maybe = <T>(read: (row: Row) => T, row: Row | undefined): T | undefined =>
  row && read(row)
export const json = (value: unknown): string | null =>
  value === undefined ? null : JSON.stringify(value)
const parsed = <T>(value: Value | undefined): T => JSON.parse(String(value)) as T
/** A key with its value, unless that is NULL. */
const given = <K extends string, T>(key: K, value: Value | undefined, read: (v: Value) => T) =>
  (value === null || value === undefined ? {} : { [key]: read(value) }) as { readonly [k in K]?: T }

export const tokenOf = (row: Row): TokenRecord => ({
  id: String(row['id']),
  name: String(row['name']),
  hash: String(row['hash']),
  scopes: parsed<Scope[]>(row['scopes']),
  createdAt: Number(row['created_at']),
  ...given('expiresAt', row['expires_at'], Number),
  ...given('revokedAt', row['revoked_at'], Number),
})

export const detectorOf = (row: Row): DetectorRecord => ({
  id: String(row['id']),
  createdAt: Number(row['created_at']),
  ...given('active', row['active'], Number),
})

export const versionOf = (row: Row): VersionRecord => ({
  detector: String(row['detector']),
  version: Number(row['version']),
  createdAt: Number(row['created_at']),
  digest: String(row['digest']),
  bytes: Number(row['bytes']),
  key: String(row['key']),
  summary: parsed(row['summary']),
  source: row['job'] === null ? { kind: 'upload' } : { kind: 'job', job: String(row['job']) },
})

export const datasetOf = (row: Row): DatasetRecord => ({
  id: String(row['id']),
  createdAt: Number(row['created_at']),
})

export const fileOf = (row: Row): DatasetFileRecord => ({
  dataset: String(row['dataset']),
  path: String(row['path']),
  digest: String(row['digest']),
  bytes: Number(row['bytes']),
  key: String(row['key']),
})

export const jobOf = (row: Row): JobRecord => ({
  id: String(row['id']),
  kind: row['kind'] as JobKind,
  input: parsed(row['input']),
  status: row['status'] as JobStatus,
  createdAt: Number(row['created_at']),
  ...given('startedAt', row['started_at'], Number),
  ...given('endedAt', row['ended_at'], Number),
  cancelRequested: row['cancel_requested'] === 1,
  ...(row['lease_token'] !== null && {
    lease: {
      token: String(row['lease_token']),
      worker: String(row['lease_worker']),
      until: Number(row['lease_until']),
    },
  }),
  crashes: Number(row['crashes']),
  ...given('checkpoint', row['checkpoint'], String),
  ...given('progress', row['progress'], (v) => parsed<Record<string, unknown>>(v)),
  ...given('result', row['result'], (v) => parsed<Record<string, unknown>>(v)),
  ...given('error', row['error'], (v) => parsed<NonNullable<JobRecord['error']>>(v)),
})

export const eventOf = (row: Row): JobEventRecord => ({
  job: String(row['job']),
  sequence: Number(row['sequence']),
  at: Number(row['at']),
  event: parsed(row['event']),
})

export const sinkOf = (row: Row): SinkRecord => ({
  id: String(row['id']),
  kind: row['kind'] as SinkRecord['kind'],
  createdAt: Number(row['created_at']),
  config: parsed(row['config']),
})

export const deliveryOf = (row: Row): DeliveryRecord => ({
  id: String(row['id']),
  sink: String(row['sink']),
  createdAt: Number(row['created_at']),
  attempts: Number(row['attempts']),
  nextAt: Number(row['next_at']),
  dead: row['dead'] === 1,
  payload: parsed(row['payload']),
  ...given('lastError', row['last_error'], String),
})
