import { messageOf } from '@cflow/base'
import { DelayedError, Worker } from 'bullmq'
import type { Supervisor } from '../jobs/supervisor.js'
import type { State } from '../state/state.js'
import { connectionOf, queueName, type QueueEntry } from './connection.js'
import { openQueue } from './queue.js'

const defaults = {
  /** An entry whose worker is not heard of for so long is given to another. */
  lock: 30_000,
  /** How often that is looked at. */
  stalled: 10_000,
  /** A job that somebody else still holds is looked at again after this. */
  again: 5000,
  /** How often records and queue are compared. */
  tend: 10_000,
}
export type QueueTiming = typeof defaults

/**
 * Takes jobs from a queue. The worker computes nothing, so that it always renews its lock: the supervisor's process does
 * the work, a slice at a time, after which the entry stands in line again.
 */
export async function startQueueWorker(
  url: string,
  options: {
    readonly state: State
    readonly supervisor: Supervisor
    readonly concurrency: number
    readonly timing?: Partial<QueueTiming>
    log(level: 'info' | 'warn', facts: object, text: string): void
  },
) {
  const { state, supervisor, concurrency, log } = options
  const timing = { ...defaults, ...options.timing }
  const closing = new AbortController()
  const queue = await openQueue(url, { state, log, tend: timing.tend })
  const { connection, backend } = await connectionOf(url, log)
  const worker = new Worker<QueueEntry>(
    queueName,
    async (entry, token) => {
      const { id } = entry.data
      const slice = await supervisor.runOne(closing.signal, id)
      if (slice?.end === 'ended') return
      const record = slice ? undefined : await state.jobs.get(id)
      if (!slice && (!record || record.endedAt !== undefined)) return
      const wait = slice?.end === 'continues' || closing.signal.aborted ? 10 : timing.again
      await entry.moveToDelayed(Date.now() + wait, token)
      throw new DelayedError()
    },
    {
      connection,
      concurrency,
      lockDuration: timing.lock,
      stalledInterval: timing.stalled,
      // crashes are counted by the records: an entry is never given up
      maxStalledCount: 1_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
    backend,
  )
  worker.on('error', (err) => log('warn', { err: messageOf(err) }, 'the queue does not answer'))
  return {
    /** Jobs that run here pause, and are handed back. */
    async close(): Promise<void> {
      closing.abort()
      await worker.close()
      await queue.close()
    },
  }
}
