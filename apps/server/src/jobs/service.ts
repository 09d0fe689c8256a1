import { randomUUID } from 'node:crypto'
import type { JobRecord, State } from '../state/state.js'
import type { Storage } from '../state/storage.js'
import { takeSnapshot } from './images.js'
import { checkInput, type JobInput } from './kinds.js'
import { removeJobsBefore } from './removal.js'
import { createRunner } from './runner.js'
import type { SupervisorOptions } from './slice.js'
import { createSupervisor } from './supervisor.js'
import { endLeasesOfDead, workerName, workFolder } from './worker-name.js'

/** What takes jobs: this process's own supervisor, or a queue whose workers are elsewhere. */
export interface JobService {
  /** @throws CflowError for what could never be done: USAGE, CONFIG, NOT_FOUND, EMPTY */
  submit(input: JobInput): Promise<JobRecord>
  /** Jobs that run here pause, and are handed back. */
  close(): Promise<void>
}

export interface JobServiceOptions {
  readonly state: State
  readonly storage: Storage
  readonly data: string
  /** Address of a queue; without one the records are the queue. */
  readonly queue?: string | undefined
  /** Jobs that run here at a time; none with a queue. */
  readonly jobs: number
  readonly device?: string | undefined
  readonly threads?: number | undefined
  /** Days after which jobs that ended are deleted; 0 keeps them. */
  readonly keepDays?: number
  readonly timing?: SupervisorOptions['timing']
  log(level: 'info' | 'warn', facts: object, text: string): void
}

export async function startJobs(options: JobServiceOptions): Promise<JobService> {
  const { state, storage, data, queue, jobs, keepDays = 0, log } = options
  const taker =
    queue === undefined ? await ownRunner(options) : await (await import('../queue/queue.js')).openQueue(queue, { state, log }) // prettier-ignore
  const sweep = async () => {
    const removed = await removeJobsBefore({ state, storage }, Date.now() - keepDays * 86_400_000)
    if (removed > 0) log('info', { removed }, 'old jobs were deleted')
  }
  const sweepSafely = () =>
    void sweep().catch((err: unknown) => log('warn', { err }, 'old jobs could not be deleted'))
  const sweeping = keepDays > 0 ? setInterval(sweepSafely, 3_600_000).unref() : undefined
  if (keepDays > 0) sweepSafely()
  if (queue === undefined && jobs === 0) log('info', { data }, 'this server runs no jobs itself')
  return {
    async submit(input) {
      checkInput(input)
      const id = randomUUID()
      if (input.dataset !== undefined) await takeSnapshot({ state, storage }, id, input.dataset)
      const { kind, ...rest } = input
      const job: JobRecord = {
        ...{ id, kind, input: rest, status: 'queued', createdAt: Date.now() },
        ...{ cancelRequested: false, crashes: 0 },
      }
      await state.jobs.add(job)
      // the record is what counts: what looks after the queue finds those that are not in it
      await taker.submitted(id).catch((err: unknown) => log('warn', { job: id, err }, 'the queue does not answer')) // prettier-ignore
      return job
    },
    async close() {
      clearInterval(sweeping)
      await taker.close()
    },
  }
}

async function ownRunner(options: JobServiceOptions) {
  const { state, storage, data, jobs, device, threads, timing, log } = options
  const supervisor = createSupervisor({
    ...{ state, storage, device, threads, log },
    ...{ work: await workFolder(data), worker: workerName() },
    ...(timing && { timing }),
  })
  if (jobs > 0) await endLeasesOfDead(state)
  const runner = createRunner(supervisor, { concurrency: jobs, log })
  return {
    submitted: async () => runner.wake(),
    close: () => runner.close(),
  }
}
