import type { JobRecord, State } from '../state/state.js'
import type { Storage } from '../state/storage.js'

export interface SupervisorOptions {
  readonly state: State
  readonly storage: Storage
  /** Folder of this machine for what jobs work with. */
  readonly work: string
  /** Name of this worker, for people. */
  readonly worker: string
  readonly device?: string | undefined
  readonly threads?: number | undefined
  /** Milliseconds, all of them; see `defaults`. */
  readonly timing?: Partial<Timing>
  log(level: 'info' | 'warn', facts: object, text: string): void
}

export const defaults = {
  /** After this a job pauses at the next point that nothing is lost at, and stands in line again. */
  slice: 10 * 60_000,
  /** A worker that is not heard of for so long has lost its job. */
  lease: 60_000,
  /** How often the lease, and whether to go on, is looked at. */
  heartbeat: 2000,
  /** Between two checkpoints that leave this machine. */
  checkpoint: 60_000,
  /** Between two lines of progress. */
  progress: 1000,
  /** For a process that was asked to stop. */
  stop: 30_000,
}

export type Timing = typeof defaults

/** A job that this worker holds. */
export interface Slice {
  readonly job: JobRecord
  /** Fences: whoever does not hold it changes nothing of the job. */
  readonly token: string
  readonly folder: string
  readonly until: number
}
