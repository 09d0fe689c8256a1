import { CflowError, messageOf } from '@cflow/base'
import { Queue } from 'bullmq'
import type { State } from '../state/state.js'
import { connectionOf, queueName, type QueueEntry } from './connection.js'

/** Milliseconds between two looks for jobs that are not in the queue, and for an answer of it. */
const timing = { tend: 10_000, answer: 5000 } as const

interface QueueOptions {
  readonly state: State
  readonly tend?: number | undefined
  log(level: 'info' | 'warn', facts: object, text: string): void
}

/**
 * A queue of jobs. The records are the truth: a queue that lost its entries, or did not answer when a job was asked for,
 * gets them again.
 */
export async function openQueue(url: string, { state, log, tend = timing.tend }: QueueOptions) {
  const { connection, backend } = await connectionOf(url, log)
  const queue = new Queue<QueueEntry, void, string>(
    queueName,
    {
      connection,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    },
    backend,
  )
  queue.on('error', (err) => log('warn', { err: messageOf(err) }, 'the queue does not answer'))
  await withTimeout(queue.waitUntilReady())
  /** An entry that is there already stays as it is. */
  const submitted = async (id: string): Promise<void> => {
    await withTimeout(queue.add('job', { id }, { jobId: id }))
  }
  let busy = false
  const look = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      for (const id of await state.jobs.waiting(1000)) await submitted(id)
    } catch (err) {
      log('warn', { err: messageOf(err) }, 'the queue could not be looked after')
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void look(), tend)
  void look()
  return {
    submitted,
    async close(): Promise<void> {
      clearInterval(timer)
      await withTimeout(queue.close()).catch(() => undefined)
    },
  }
}

/** A connection that is being made again answers late; who asks does not wait for that. */
async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CflowError('UNAVAILABLE', 'the queue does not answer', { hint: 'check CFLOW_QUEUE' })), // prettier-ignore
      timing.answer,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
