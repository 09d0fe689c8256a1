import { CflowError, messageOf } from '@cflow/base'
import { mkdir } from 'node:fs/promises'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import type { Config } from './config.js'
import { createRunner } from './jobs/runner.js'
import type { SupervisorOptions } from './jobs/slice.js'
import { createSupervisor } from './jobs/supervisor.js'
import { endLeasesOfDead, workerName, workFolder } from './jobs/worker-name.js'
import type { QueueTiming } from './queue/queue-worker.js'
import { openState } from './state/open-state.js'
import { openStorage } from './state/open-storage.js'

/** What a worker needs of the configuration. */
export type WorkerConfig = Pick<
  Config,
  | 'data'
  | 'databaseUrl'
  | 'storage'
  | 'cacheBytes'
  | 'queue'
  | 'jobs'
  | 'device'
  | 'threads'
  | 'logLevel'
>

/** A worker that runs. */
export interface Working {
  readonly name: string
  /** Jobs that run here pause with a checkpoint, and are handed back. */
  close(): Promise<void>
}

/**
 * Takes jobs: from the queue, or without one from the records that it shares with servers.
 * @param log where its lines go; by default JSON to standard error
 * @throws CflowError UNAVAILABLE, CONFIG
 */
export async function work(
  config: WorkerConfig,
  log?: FastifyBaseLogger,
  timing: Partial<QueueTiming> & { readonly jobs?: SupervisorOptions['timing'] } = {},
): Promise<Working> {
  const logger = log ?? pino({ level: config.logLevel }, pino.destination(2))
  const { data, databaseUrl, storage: address, cacheBytes, device, threads, queue } = config
  await mkdir(data, { recursive: true }).catch((cause: unknown) => {
    throw new CflowError('IO', `the folder ${data} cannot be made: ${messageOf(cause)}`, { subject: data, cause }) // prettier-ignore
  })
  const state = await openState({
    data,
    databaseUrl,
    onError: (err) => logger.warn({ err }, 'a connection to the database broke'),
  })
  const say = (level: 'info' | 'warn', facts: object, text: string) => logger[level](facts, text)
  try {
    const storage = await openStorage({ data, storage: address, cacheBytes })
    await storage.ping()
    const name = workerName()
    const supervisor = createSupervisor({
      ...{ state, storage, device, threads, worker: name, log: say },
      work: await workFolder(data),
      ...(timing.jobs && { timing: timing.jobs }),
    })
    await endLeasesOfDead(state)
    const concurrency = Math.max(1, config.jobs)
    const taker =
      queue === undefined
        ? createRunner(supervisor, { concurrency, log: say })
        : await (
            await import('./queue/queue-worker.js')
          ).startQueueWorker(queue, { state, supervisor, concurrency, timing, log: say })
    let closed: Promise<void> | undefined
    return {
      name,
      close: () =>
        (closed ??= (async () => {
          await taker.close()
          await state.close()
        })()),
    }
  } catch (error) {
    await state.close()
    throw error
  }
}
