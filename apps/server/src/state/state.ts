/**
 * What the server remembers. `State` holds records (SQLite in one folder, or PostgreSQL), `Storage` holds bytes
 * (the same folder, or an S3-compatible bucket). Both have one contract suite over their drivers. A record names bytes by
 * their storage key; bytes are written first, the record that names them last, so that after a crash a thing is there or not.
 */

/** What a bearer token may do; each includes nothing of the others, but `admin` includes all. */
export type Scope = 'read' | 'predict' | 'train' | 'admin'

/** A bearer token as it is kept: only its SHA-256, never itself. Times are milliseconds since 1970, here and below. */
export interface TokenRecord {
  readonly id: string
  readonly name: string
  readonly hash: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt?: number
  readonly revokedAt?: number
}

/** A detector: a name under which versions are kept, one of which is active. */
export interface DetectorRecord {
  readonly id: string
  readonly createdAt: number
  /** The version that answers when none is named. */
  readonly active?: number
}

/** One file of a detector. Versions count from 1 and are never given twice, also after one is deleted. */
export interface VersionRecord {
  readonly detector: string
  readonly version: number
  readonly createdAt: number
  /** SHA-256 of the file (hex) and its size in bytes. */
  readonly digest: string
  readonly bytes: number
  /** Where its bytes are in the storage. */
  readonly key: string
  /** What the file's manifest says, as JSON, without its calibration scores. */
  readonly summary: Readonly<Record<string, unknown>>
  readonly source: { readonly kind: 'upload' } | { readonly kind: 'job'; readonly job: string }
}

export interface DatasetRecord {
  readonly id: string
  readonly createdAt: number
}

/** One image (or mask) of a data set at its place, such as `train/good/001.png`. */
export interface DatasetFileRecord {
  readonly dataset: string
  readonly path: string
  readonly digest: string
  readonly bytes: number
  readonly key: string
}

export type JobKind = 'train' | 'tune' | 'update' | 'evaluate'
export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export interface JobRecord {
  readonly id: string
  readonly kind: JobKind
  /** What was asked for, validated by the kind's schema. */
  readonly input: Readonly<Record<string, unknown>>
  readonly status: JobStatus
  readonly createdAt: number
  readonly startedAt?: number
  readonly endedAt?: number
  /** Asked to stop; a running job ends at its next check. */
  readonly cancelRequested: boolean
  /** Who runs it and until when; a worker that no longer holds the token may write nothing of the job. */
  readonly lease?: { readonly token: string; readonly worker: string; readonly until: number }
  /** How often a worker died on it. */
  readonly crashes: number
  /** Where in the storage what it can go on from lies. */
  readonly checkpoint?: string
  readonly progress?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}

/** One line of a job's history; `sequence` counts from 1 within the job. */
export interface JobEventRecord {
  readonly job: string
  readonly sequence: number
  readonly at: number
  readonly event: Readonly<Record<string, unknown>>
}

/** Where verdicts go. */
export interface SinkRecord {
  readonly id: string
  readonly kind: 'webhook' | 'mqtt'
  readonly createdAt: number
  readonly config: Readonly<Record<string, unknown>>
}

/** A delivery that is waiting for its next attempt, or, when `dead`, was given up. */
export interface DeliveryRecord {
  readonly id: string
  readonly sink: string
  readonly createdAt: number
  readonly attempts: number
  readonly nextAt: number
  readonly dead: boolean
  readonly payload: Readonly<Record<string, unknown>>
  readonly lastError?: string
}

/** The records. Every method is one transaction; what does not exist is `undefined` or an empty list. */
export interface State {
  readonly tokens: {
    add(token: TokenRecord): Promise<void>
    byHash(hash: string): Promise<TokenRecord | undefined>
    list(): Promise<readonly TokenRecord[]>
    /** @returns false where there is no such token */
    revoke(id: string, at: number): Promise<boolean>
  }
  readonly detectors: {
    list(): Promise<readonly DetectorRecord[]>
    get(id: string): Promise<DetectorRecord | undefined>
    /** Adds a version under the next number, makes the detector if there is none, and activates it where asked. */
    addVersion(
      version: Omit<VersionRecord, 'version'>,
      options: { readonly activate: boolean },
    ): Promise<VersionRecord>
    versions(detector: string): Promise<readonly VersionRecord[]>
    version(detector: string, version: number): Promise<VersionRecord | undefined>
    /** @returns false where there is no such version */
    activate(detector: string, version: number): Promise<boolean>
    /** The version that was active before the active one, made active again; undefined where there is none. */
    rollBack(detector: string): Promise<DetectorRecord | undefined>
    /**
     * Deletes one version (the active one only with its detector), or the detector with all.
     * @returns the keys no longer named; undefined where there is no such thing
     * @throws CflowError CONFLICT for the active version
     */
    removeVersion(detector: string, version: number): Promise<readonly string[] | undefined>
    remove(detector: string): Promise<readonly string[] | undefined>
  }
  readonly datasets: {
    create(dataset: DatasetRecord): Promise<boolean>
    list(): Promise<readonly DatasetRecord[]>
    get(id: string): Promise<DatasetRecord | undefined>
    remove(id: string): Promise<boolean>
    /** Number of files and their bytes. */
    size(id: string): Promise<{ readonly files: number; readonly bytes: number }>
    /** Adds a file, or replaces the one at its place. @returns false where there is no such data set */
    putFile(file: DatasetFileRecord): Promise<boolean>
    file(dataset: string, path: string): Promise<DatasetFileRecord | undefined>
    removeFile(dataset: string, path: string): Promise<boolean>
    /** In the order of their paths' bytes, those after a path. */
    files(
      dataset: string,
      page?: { readonly after?: string; readonly limit?: number },
    ): Promise<readonly DatasetFileRecord[]>
    /** Whether any data set names these bytes. */
    uses(key: string): Promise<boolean>
  }
  readonly jobs: {
    add(job: JobRecord): Promise<void>
    get(id: string): Promise<JobRecord | undefined>
    /** The newest first. */
    list(filter?: {
      readonly status?: JobStatus
      readonly limit?: number
    }): Promise<readonly JobRecord[]>
    /**
     * The oldest job that is queued, or running under a lease that has ended, leased to this worker. The latter counts as
     * a crash. Two workers never get the same.
     * @param only no other job than this
     */
    lease(
      worker: string,
      token: string,
      until: number,
      only?: string,
    ): Promise<JobRecord | undefined>
    /** The oldest that `lease` would give, without leasing them. */
    waiting(limit: number): Promise<readonly string[]>
    /** All of these change a job only while `token` holds it. @returns whether it did */
    renew(id: string, token: string, until: number): Promise<boolean>
    progress(id: string, token: string, progress: JobRecord['progress']): Promise<boolean>
    /** Names what the job can go on from. @returns the key named before; false where the token does not hold it */
    checkpoint(id: string, token: string, key: string): Promise<string | undefined | false>
    /** Ends the lease: back to the queue, or to its end, with the detector's version that comes of it. */
    release(id: string, token: string, outcome: JobOutcome): Promise<boolean>
    /** @returns the job after it; a queued one is cancelled at once */
    requestCancel(id: string, at: number): Promise<JobRecord | undefined>
    /** A job that ended, and its history. @returns false where there is no such job */
    remove(id: string): Promise<boolean>
    /** Jobs that ended before a time, the oldest first. */
    endedBefore(time: number, limit: number): Promise<readonly string[]>
    addEvent(job: string, at: number, event: JobEventRecord['event']): Promise<JobEventRecord>
    events(job: string, after: number): Promise<readonly JobEventRecord[]>
  }
  readonly sinks: {
    add(sink: SinkRecord): Promise<void>
    list(): Promise<readonly SinkRecord[]>
    get(id: string): Promise<SinkRecord | undefined>
    remove(id: string): Promise<boolean>
    /** @returns false where so many of the sink wait already */
    enqueue(delivery: DeliveryRecord, maximum: number): Promise<boolean>
    /** Deliveries whose time has come, not the dead ones; each is hidden from others until `hideUntil`. */
    due(now: number, hideUntil: number, limit: number): Promise<readonly DeliveryRecord[]>
    delivered(id: string): Promise<void>
    failed(
      id: string,
      delivery: Pick<DeliveryRecord, 'attempts' | 'nextAt' | 'dead' | 'lastError'>,
    ): Promise<void>
    dead(sink: string): Promise<readonly DeliveryRecord[]>
    /** Dead deliveries of a sink are tried again. @returns how many */
    revive(sink: string, at: number): Promise<number>
  }
  /** Throws where the database cannot be reached. */
  ping(): Promise<void>
  close(): Promise<void>
}

export type JobOutcome =
  | { readonly status: 'queued'; readonly crashed: boolean }
  | {
      readonly status: 'succeeded'
      readonly at: number
      readonly result: NonNullable<JobRecord['result']>
      /** Added in the same transaction; `version` of the result then names it. */
      readonly promote?: {
        readonly version: Omit<VersionRecord, 'version'>
        readonly activate: boolean
      }
    }
  | {
      readonly status: 'failed'
      readonly at: number
      readonly error: NonNullable<JobRecord['error']>
    }
  | { readonly status: 'cancelled'; readonly at: number }
