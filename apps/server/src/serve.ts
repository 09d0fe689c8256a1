import { CflowError, messageOf } from '@cflow/base'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { EventEmitter } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { isLoopback, isLive, keepToken } from './http/auth.js'
import type { Config } from './config.js'
import { boundHeap } from './engine/heap.js'
import { createPool } from './engine/pool.js'
import { addExample, exampleId } from './example.js'
import { buildApp } from './http/app.js'
import type { ServerContext, ServerEvents } from './http/context.js'
import { detectorFinder } from './http/detectors.js'
import { watchDrift } from './http/drift.js'
import { createMetrics } from './http/metrics.js'
import { startTracing } from './http/tracing.js'
import { clearIncoming } from './http/upload.js'
import { startJobs } from './jobs/service.js'
import { startSinks } from './sinks/sinks.js'
import { openState } from './state/open-state.js'
import { openStorage } from './state/open-storage.js'

/** A server that runs. */
export interface Served {
  /** Where it answers, such as `http://127.0.0.1:8080`. */
  readonly url: string
  readonly app: FastifyInstance
  readonly context: ServerContext
  /** Resolves when the built-in example can be used, or there is none to be added. */
  readonly example: Promise<boolean>
  /** Takes no more requests, ends those that run, and the processes. */
  close(): Promise<void>
}

/**
 * Starts a server.
 * @param log where its lines go; by default JSON to standard error
 * @throws CflowError FORBIDDEN where it would listen beyond this machine without a token, UNAVAILABLE, CONFIG
 */
export async function serve(config: Config, log?: FastifyBaseLogger): Promise<Served> {
  boundHeap()
  const logger = log ?? pino({ level: config.logLevel }, pino.destination(2))
  await mkdir(config.data, { recursive: true }).catch((cause: unknown) => {
    throw new CflowError('IO', `the folder ${config.data} cannot be made: ${messageOf(cause)}`, { subject: config.data, cause }) // prettier-ignore
  })
  const https = await certificate(config)
  const state = await openState({
    data: config.data,
    databaseUrl: config.databaseUrl,
    onError: (err) => logger.warn({ err }, 'a connection to the database broke'),
  })
  const closing = new AbortController()
  try {
    if (config.adminToken !== undefined) await keepToken(state, config.adminToken)
    await requireToken(config, state)
    const storage = await openStorage(config)
    await clearIncoming(config.data)
    const metrics = createMetrics()
    const tracing = await startTracing(config)
    const engine = createPool(config, { metrics, log: logger })
    const events = new EventEmitter<ServerEvents>()
    const jobs = await startJobs({
      ...{ state, storage, data: config.data, queue: config.queue, jobs: config.jobs },
      ...{ device: config.device, threads: config.threads, keepDays: config.keepJobsDays },
      log: (level, facts, text) => logger[level](facts, text),
    })
    const sinks = startSinks({ state, events, log: logger })
    const context: ServerContext = {
      ...{ config, state, storage, engine, metrics, events, jobs, sinks, tracing, log: logger },
      detectors: detectorFinder({ state, storage }),
      drift: watchDrift(events, metrics),
    }
    const close = async (app?: FastifyInstance): Promise<void> => {
      closing.abort()
      const patience = 1000 * config.shutdownSeconds
      const late = setTimeout(() => app?.server.closeAllConnections(), patience)
      await Promise.all([app?.close(), engine.close(patience), jobs.close()])
      await sinks.close()
      await tracing?.close()
      clearTimeout(late)
    }
    try {
      const app = await buildApp(context, { ...(https && { https }) })
      await app.listen({ host: config.host, port: config.port }).catch((cause: unknown) => {
        throw new CflowError('UNAVAILABLE', `cannot listen on ${config.host}:${config.port}: ${messageOf(cause)}`, { subject: 'port', cause }) // prettier-ignore
      })
      const { port } = app.server.address() as AddressInfo
      const name = config.host.includes(':') ? `[${config.host}]` : config.host
      const example = config.example ? addExample(context, closing.signal) : Promise.resolve(false)
      const told = example.then(
        (added) => {
          if (added) logger.info({ detector: exampleId }, 'the built-in example is there')
          return added
        },
        (err: unknown) => {
          if (!closing.signal.aborted) logger.error({ err }, 'there is no built-in example')
          return false
        },
      )
      let closed: Promise<void> | undefined
      return {
        url: `${https ? 'https' : 'http'}://${name}:${port}`,
        ...{ app, context, example: told },
        close: () =>
          (closed ??= (async () => {
            await close(app)
            await told
            await state.close()
          })()),
      }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    await state.close()
    throw error
  }
}

/** Beyond this machine nobody is served without a token. */
async function requireToken(config: Config, state: ServerContext['state']): Promise<void> {
  if (isLoopback(config.host)) return
  const hint = 'make one: cflow token create admin --scopes admin'
  if (config.requireToken === false)
    throw new CflowError('FORBIDDEN', `beyond this machine (${config.host}) every request needs a token`, { subject: 'requireToken', hint: 'leave it out, or listen on 127.0.0.1' }) // prettier-ignore
  const tokens = await state.tokens.list()
  if (!tokens.some((token) => isLive(token)))
    throw new CflowError('FORBIDDEN', `there is no token, and ${config.host} can be reached from other machines`, { subject: 'host', hint }) // prettier-ignore
}

async function certificate({ tlsCert, tlsKey }: Config) {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const read = (path: string, subject: string) =>
    readFile(path).catch((cause: unknown) => {
      throw new CflowError('NOT_FOUND', `${path} cannot be read: ${messageOf(cause)}`, { subject, cause }) // prettier-ignore
    })
  return { cert: await read(tlsCert, 'tlsCert'), key: await read(tlsKey, 'tlsKey') }
}
