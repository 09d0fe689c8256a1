import { CflowError, messageOf } from '@cflow/base'
import { DelayedError, Queue, Worker } from 'bullmq'
import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { connectionOf } from './connection.js'

const seconds = Number(process.env['CFLOW_LEASE_SECONDS'])
const lease = seconds > 0 ? 1000 * seconds : 30_000

const defaults = {
  /** A part whose process is not heard of for so long is given to another. */
  lock: lease,
  stalled: lease / 3,
  /** A part that is still held is tried again after this. */
  again: lease / 6,
  /** Between two looks whether all is done. */
  look: 1000,
}

export interface SharedWork {
  /** Address of the queue, redis:// or postgres://. */
  readonly url: string
  /** What is the same for all that share the work, such as what is asked for: plain data. */
  readonly identity: unknown
  readonly parts: readonly string[]
  /**
   * Does a part, in a process of its own: what computes here keeps the queue from hearing of this one.
   * @throws BUSY where somebody may still hold it, and it stands in line again; else the part is not tried again
   */
  run(part: string, signal: AbortSignal): Promise<void>
  readonly signal?: AbortSignal | undefined
  readonly timing?: Partial<typeof defaults>
  log?(text: string): void
}

/**
 * Parts of some work, shared by all processes, on any machine, that call this with the same queue, identity and parts: each is
 * done by one of them, and by another one where that one dies. Returns when every part is done, wherever.
 * @returns the parts that were done here
 * @throws CflowError CONFIG, UNAVAILABLE (`connectionOf`), and what an abort threw; a part that was begun stands in line again
 */
export async function shareWork(work: SharedWork): Promise<readonly string[]> {
  const { url, identity, parts, run, signal, log } = work
  const timing = { ...defaults, ...work.timing }
  signal?.throwIfAborted()
  const { connection, backend } = await connectionOf(url, (_, __, text) => log?.(text))
  const hash = createHash('sha256')
    .update(JSON.stringify([identity, parts]))
    .digest('hex')
  const name = `cflow-parts-${hash.slice(0, 16)}`
  const queue = new Queue<{ readonly part: string }, void, string>(name, { connection }, backend)
  const here: string[] = []
  const onError = (error: unknown) => log?.(`the queue does not answer: ${messageOf(error)}`)
  queue.on('error', onError)
  const idOf = (part: string) => `part-${part.replaceAll(/[^\w-]/g, '_')}`
  const closing = new AbortController()
  const stopped = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal
  let worker: Worker<{ readonly part: string }, void, string> | undefined
  try {
    // one that is there already, from whoever came first, stays as it is
    for (const part of parts) await queue.add('part', { part }, { jobId: idOf(part), attempts: 1 })
    worker = new Worker<{ readonly part: string }, void, string>(
      name,
      async (entry, token) => {
        const { part } = entry.data
        try {
          await run(part, stopped)
          here.push(part)
        } catch (error) {
          const isBusy = error instanceof CflowError && error.code === 'BUSY'
          if (!stopped.aborted && !isBusy) throw error
          await entry.moveToDelayed(Date.now() + (stopped.aborted ? 10 : timing.again), token)
          throw new DelayedError()
        }
      },
      {
        connection,
        concurrency: 1,
        lockDuration: timing.lock,
        stalledInterval: timing.stalled,
        // a part is repeated from its checkpoint: a process that dies costs nothing else
        maxStalledCount: 1_000_000,
      },
      backend,
    )
    worker.on('error', onError)
    worker.on('failed', (entry, error) => log?.(`${entry?.data.part ?? 'a part'}: ${error.message}`)) // prettier-ignore
    const waiting = new Set(parts)
    while (waiting.size > 0) {
      await setTimeout(timing.look, undefined, signal ? { signal } : {})
      for (const part of waiting) {
        // gone: another one has seen that all is done, and cleared up
        const state = await queue.getJobState(idOf(part)).catch(() => 'unreachable')
        if (['completed', 'failed', 'unknown'].includes(state)) waiting.delete(part)
        else if (state !== 'unreachable') break
      }
    }
    return here
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    closing.abort()
    await worker?.close().catch(onError)
    if (signal?.aborted !== true) await queue.obliterate({ force: false }).catch(() => undefined)
    await queue.close().catch(onError)
  }
}
