import { CflowError, messageOf } from '@cflow/base'
import { createPostgresBackend, createRedisBackend, type ConnectionOptions } from 'bullmq'
import { Redis } from 'ioredis'

/** Name of the queue; its entries are ids of jobs, and nothing else: what is asked for, and what comes of it, are records. */
export const queueName = 'cflow-jobs'

export interface QueueEntry {
  readonly id: string
}

/**
 * How BullMQ reaches a queue by its address.
 * @throws CflowError CONFIG for a Redis that throws entries away when memory is full, UNAVAILABLE
 */
export async function connectionOf(
  url: string,
  log: (level: 'warn', facts: object, text: string) => void,
) {
  if (/^postgres/.test(url))
    return {
      connection: { connectionString: url, schema: 'bullmq', migrate: true } as ConnectionOptions,
      backend: createPostgresBackend as unknown as typeof createRedisBackend,
    }
  await requireKeeping(url, log)
  return { connection: { url } as ConnectionOptions, backend: createRedisBackend }
}

async function requireKeeping(
  url: string,
  log: (level: 'warn', facts: object, text: string) => void,
): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, connectTimeout: 10_000, retryStrategy: () => null }) // prettier-ignore
  // told by what is thrown
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    const answer = await redis.config('GET', 'maxmemory-policy').catch(() => undefined)
    const policy = (answer as readonly string[] | undefined)?.[1]
    if (policy === undefined)
      log('warn', {}, 'Redis does not tell its maxmemory-policy; it must be noeviction')
    else if (policy !== 'noeviction')
      throw new CflowError(
        'CONFIG',
        `Redis throws entries away when its memory is full (maxmemory-policy ${policy})`,
        {
          subject: 'queue',
          hint: 'set maxmemory-policy noeviction',
        },
      )
  } catch (cause) {
    if (cause instanceof CflowError) throw cause
    throw new CflowError('UNAVAILABLE', `the queue does not answer: ${messageOf(cause)}`, {
      hint: 'check CFLOW_QUEUE, and that Redis runs',
      cause,
    })
  } finally {
    redis.disconnect()
  }
}
