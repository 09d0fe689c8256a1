import { CflowError } from '@cflow/base'
import { randomUUID } from 'node:crypto'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { plainError } from '../engine/plain-error.js'
import { tellEnded } from '../sinks/enqueue.js'
import type { JobOutcome } from '../state/state.js'
import { historyOf } from './history.js'
import { heartbeat, insistently } from './lease.js'
import { runProcess } from './process.js'
import { defaults, type Slice, type SupervisorOptions, type Timing } from './slice.js'
import { checkpointsOf, discard, keep, prepare } from './slice-files.js'

/** A job whose process died so often is given up. */
export const maxCrashes = 5

/** How a slice ended: with the job, to be gone on with, or taken over by another worker. */
export type SliceEnd = 'ended' | 'continues' | 'lost'

/** Runs slices of jobs, each in a process of its own. */
export function createSupervisor(options: SupervisorOptions) {
  const { state, work } = options
  const timing = { ...defaults, ...options.timing }
  return {
    /**
     * Takes a job, the oldest or the one that is named, and runs one slice of it.
     *
     * @param signal asks it to hand the job back as soon as it can
     * @returns undefined where there was none to take
     */
    async runOne(
      signal: AbortSignal,
      only?: string,
    ): Promise<{ readonly id: string; readonly end: SliceEnd } | undefined> {
      if (signal.aborted) return undefined
      const token = randomUUID()
      const until = Date.now() + timing.lease
      const job = await state.jobs.lease(options.worker, token, until, only)
      if (!job) return undefined
      const folder = join(work, job.id, token)
      try {
        return { id: job.id, end: await runSlice(options, timing, { job, token, folder, until }, signal) } // prettier-ignore
      } finally {
        await rmdir(join(work, job.id)).catch(() => undefined)
      }
    },
  }
}

export type Supervisor = ReturnType<typeof createSupervisor>

async function runSlice(
  options: SupervisorOptions,
  timing: Timing,
  slice: Slice,
  signal: AbortSignal,
): Promise<SliceEnd> {
  const { state, log } = options
  const { job, token, folder } = slice
  const { id } = job
  const history = historyOf(options, timing, slice)
  const lease = { until: slice.until, lost: false }
  const alive = heartbeat(options, timing, slice, lease)
  /** Ends the lease; what cannot be said now is said again as long as the lease lasts. */
  const release = async (outcome: JobOutcome): Promise<SliceEnd> => {
    await history.flush()
    const done = await insistently(() => state.jobs.release(id, token, outcome), lease)
    alive.end()
    if (done !== true) {
      log('warn', { job: id }, 'the job was lost to another worker')
      return 'lost'
    }
    if (outcome.status === 'queued') return 'continues'
    await history.add({ type: 'ended', status: outcome.status, ...(outcome.status === 'failed' && { error: outcome.error }) }) // prettier-ignore
    await state.jobs
      .get(id)
      .then((ended) => ended && tellEnded(state, ended))
      .catch((err: unknown) => log('warn', { job: id, err }, 'sinks were not told of a job'))
    await discard(options, id).catch((err: unknown) => log('warn', { job: id, err }, 'left-overs of a job stay')) // prettier-ignore
    return 'ended'
  }
  const fail = (error: unknown): Promise<SliceEnd> =>
    release({ status: 'failed', at: Date.now(), error: plainError(error) })
  try {
    if (job.cancelRequested) return await release({ status: 'cancelled', at: Date.now() })
    if (job.crashes >= maxCrashes) return await fail(crashed(job.crashes))
    const task = await insistently(() => prepare(options, slice), lease)
    if (task === undefined) return 'lost'
    await history.add({ type: job.checkpoint === undefined ? 'started' : 'resumed', worker: options.worker }) // prettier-ignore
    const checkpoints = checkpointsOf(options, slice, lease)
    const started = (pid: number | undefined) =>
      log('info', { job: id, kind: job.kind, pid }, 'a slice of a job begins')
    const end = await runProcess(timing, task, signal, alive, started, (message) => {
      if (message.type === 'progress') history.progress(message.progress)
      if (message.type === 'log') void history.add({ type: 'log', text: message.text })
      if (message.type === 'checkpoint') checkpoints.written(timing.checkpoint)
    })
    if (end.type === 'lost') return await release({ status: 'queued', crashed: false })
    if (end.type === 'cancelled') return await release({ status: 'cancelled', at: Date.now() })
    await checkpoints.settled()
    if (end.type === 'failed') return await release({ status: 'failed', at: Date.now(), error: end.error }) // prettier-ignore
    if (end.type === 'paused') {
      await checkpoints.save()
      await history.add({ type: 'paused', worker: options.worker })
      return await release({ status: 'queued', crashed: false })
    }
    if (end.type === 'crashed') {
      await history.add({ type: 'crashed', worker: options.worker, text: end.text })
      log('warn', { job: id, text: end.text }, 'the process of a job died')
      const crashes = ((await state.jobs.get(id))?.crashes ?? 0) + 1
      if (crashes >= maxCrashes) return await fail(crashed(crashes))
      return await release({ status: 'queued', crashed: true })
    }
    const outcome = await insistently(() => keep(options, slice, task.input, end), lease)
    if (outcome === undefined) return 'lost'
    return await release(outcome)
  } catch (error) {
    // the job is at fault for what is known, a worker for the rest: somebody else may have more luck
    if (error instanceof CflowError && error.code !== 'UNAVAILABLE' && error.code !== 'IO')
      return await fail(error)
    log('warn', { job: id, err: error }, 'a slice of a job failed')
    return await release({ status: 'queued', crashed: true })
  } finally {
    alive.end()
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

const crashed = (times: number) =>
  new CflowError('CRASHED', `its process died ${times} times`, {
    hint: 'look at the workers’ logs; too little memory is the usual cause',
  })
