import { CflowError } from '@cflow/base'
import { physicalCores } from '@cflow/runtimes/node'
import type { ChildProcess } from 'node:child_process'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.js'
import type { Metrics } from '../http/metrics.js'
import { checkDetector } from './check.js'
import { kill, pipeOf, startChild } from './child.js'
import type { DetectorFile, Engine, EngineImage, Prediction, PredictOptions } from './engine.js'
import { writeBatch } from './frames.js'
import { revived } from './plain-error.js'
import type { FromWorker, ItemResult, ToWorker, WorkerSettings } from './protocol.js'

export type PoolOptions = Pick<
  Config,
  | 'workers'
  | 'threads'
  | 'device'
  | 'detectorsPerWorker'
  | 'maxBatch'
  | 'batchMilliseconds'
  | 'maxQueue'
  | 'maxQueueBytes'
  | 'jobSeconds'
  | 'maxImagePixels'
  | 'validationSeconds'
  | 'validationMemory'
>

/** An image that waits, or is with a worker. */
interface Item {
  readonly detector: DetectorFile
  readonly image: EngineImage
  readonly options: PredictOptions
  readonly bytes: number
  readonly since: number
  /** Times that its worker died. */
  attempts: number
  done: boolean
  resolve(prediction: Prediction): void
  reject(error: unknown): void
}

interface Batch {
  readonly id: number
  readonly items: readonly Item[]
}

interface Worker {
  readonly child: ChildProcess
  ready: boolean
  /** The first runs; images of the second are decoded meanwhile. */
  readonly batches: Batch[]
  detectors: ReadonlySet<string>
  /** Memory after its first batches. */
  baseline: number | undefined
  answered: number
  /** Takes no more: another has taken its place. */
  retiring: boolean
  timer: NodeJS.Timeout | undefined
  readonly startedAt: number
}

/** Batches that a worker holds: one runs, one is decoded. */
const depth = 2
/** Sessions that are made and released leave memory behind (onnxruntime #25325): a worker ends after so many. */
const maxLoads = 100
/** Growth of a worker's memory after which it is replaced. */
const maxGrowth = 2 ** 30

export function createPool(
  config: PoolOptions,
  { metrics, log }: { readonly metrics: Metrics; readonly log: FastifyBaseLogger },
): Engine {
  const settings: WorkerSettings = {
    device: config.device,
    threads: config.threads ?? Math.max(1, Math.floor(physicalCores() / config.workers)),
    maxBatch: config.maxBatch,
    maxPixels: config.maxImagePixels,
    detectors: config.detectorsPerWorker,
  }
  const workers = new Set<Worker>()
  let waiting: Item[] = []
  let waitingBytes = 0
  let restarts = 0
  let nextId = 1
  let closing = false
  let timer: NodeJS.Timeout | undefined
  /** Deaths of workers that did nothing: a machine on which none starts is not to be kept busy. */
  let futile = 0
  let idle: (() => void) | undefined

  const remove = (items: readonly Item[]): void => {
    const gone = new Set(items)
    waiting = waiting.filter((item) => !gone.has(item))
    for (const item of items) waitingBytes -= item.bytes
    metrics.waiting.set(waiting.length)
  }

  const start = (): void => {
    if (closing) return
    const child = startChild('worker', import.meta.url, { images: true })
    const worker: Worker = {
      child,
      ready: false,
      batches: [],
      detectors: new Set(),
      baseline: undefined,
      answered: 0,
      retiring: false,
      timer: undefined,
      startedAt: Date.now(),
    }
    workers.add(worker)
    child.on('message', (message: FromWorker) => receive(worker, message))
    child.on('error', (error) => log.error({ err: error }, 'a worker could not be started'))
    // a worker that ends says so itself
    pipeOf(child).on('error', (error) => log.debug({ err: error }, 'a worker is gone'))
    child.on('exit', (code, signal) => ended(worker, signal ?? String(code)))
    send(worker, { type: 'settings', settings })
  }

  const send = (worker: Worker, message: ToWorker): void => {
    if (worker.child.connected)
      worker.child.send(message, (error) => error && log.debug({ err: error }, 'a worker is gone'))
  }

  const receive = (worker: Worker, message: FromWorker): void => {
    if (message.type === 'ready') {
      worker.ready = true
      log.debug({ worker: worker.child.pid }, 'a worker is ready')
    }
    if (message.type === 'batch') {
      const [batch] = worker.batches
      if (batch?.id !== message.id) return
      worker.batches.shift()
      watch(worker)
      futile = 0
      worker.detectors = new Set(message.detectors)
      metrics.batchSize.observe(batch.items.length)
      metrics.batchSeconds.observe(message.milliseconds / 1000)
      for (const item of batch.items) item.done = true
      answer(batch.items, message.results)
      worker.answered++
      if (worker.answered === 20) worker.baseline = message.rss
      const grown = worker.baseline !== undefined && message.rss - worker.baseline > maxGrowth
      if (!worker.retiring && (grown || message.loads >= maxLoads)) retire(worker, grown ? 'memory' : 'loads') // prettier-ignore
      if (worker.retiring && worker.batches.length === 0) kill(worker.child)
    }
    dispatch()
  }

  /** One after the other, with what else has arrived served between: answering many at once would keep others waiting. */
  const answer = (items: readonly Item[], results: readonly ItemResult[], i = 0): void => {
    const [item, result] = [items[i], results[i]]
    if (!item || !result) return
    if ('prediction' in result) item.resolve(result.prediction)
    else item.reject(revived(result.error))
    setImmediate(answer, items, results, i + 1)
  }

  /** Puts another in its place, which takes over when it is ready; what this one holds it ends. */
  const retire = (worker: Worker, reason: string): void => {
    worker.retiring = true
    restarts++
    metrics.workerRestarts.inc({ reason })
    log.info({ worker: worker.child.pid, reason }, 'a worker is replaced')
    start()
  }

  /** The time limit of the batch that runs. */
  const watch = (worker: Worker): void => {
    clearTimeout(worker.timer)
    if (worker.batches.length === 0) return
    worker.timer = setTimeout(() => {
      log.error({ worker: worker.child.pid }, 'a worker hangs and is ended')
      worker.retiring = true
      for (const item of worker.batches[0]?.items ?? []) {
        if (item.attempts++ === 0 && worker.batches[0]!.items.length > 1) continue
        fail(item, 'UNAVAILABLE', `the image took longer than ${config.jobSeconds} s`)
      }
      kill(worker.child)
    }, 1000 * config.jobSeconds)
  }

  const fail = (item: Item, code: 'UNAVAILABLE' | 'OVERLOADED', message: string): void => {
    item.done = true
    item.reject(new CflowError(code, message, { hint: 'try again' }))
  }

  /** A worker is gone: what it held goes to others once, one by one, so that what killed it does so alone. */
  const ended = (worker: Worker, reason: string): void => {
    clearTimeout(worker.timer)
    workers.delete(worker)
    const held = worker.batches.flatMap((batch) => batch.items)
    const running = new Set(worker.batches[0]?.items)
    const again: Item[] = []
    for (const item of held) {
      if (item.done) continue
      if (running.has(item) && !worker.retiring) item.attempts++
      if (closing || item.attempts > 1) fail(item, 'UNAVAILABLE', 'the worker ended at this image')
      else again.push(item)
    }
    waiting.unshift(...again)
    for (const item of again) waitingBytes += item.bytes
    const active = [...workers].filter((w) => !w.retiring).length
    if (!closing && active < config.workers) {
      restarts++
      metrics.workerRestarts.inc({ reason: worker.retiring ? 'hung' : 'died' })
      log.warn({ worker: worker.child.pid, reason }, 'a worker ended and is replaced')
      if (worker.answered === 0 && held.length === 0) futile++
      setTimeout(start, futile === 0 ? 0 : Math.min(10_000, 100 * 2 ** futile))
    }
    if (workers.size === 0 && idle) idle()
    dispatch()
  }

  /** The images that would run together with the first that waits. */
  const nextBatch = (from: Item): readonly Item[] => {
    if (from.attempts > 0) return [from]
    const items: Item[] = []
    for (const item of waiting) {
      if (item.detector.digest !== from.detector.digest || item.attempts > 0) continue
      if (items.push(item) === config.maxBatch) break
    }
    return items
  }

  const dispatch = (): void => {
    clearTimeout(timer)
    timer = undefined
    while (waiting.length > 0) {
      const free = [...workers]
        .filter((w) => w.ready && !w.retiring && w.batches.length < depth)
        .sort((a, b) => a.batches.length - b.batches.length)
      if (free.length === 0) return
      const now = performance.now()
      // the first whose batch is full or that has waited long enough
      const heads = new Map<string, Item>()
      for (const item of waiting)
        if (item.attempts > 0 || !heads.has(item.detector.digest))
          heads.set(item.attempts > 0 ? `again ${heads.size}` : item.detector.digest, item)
      let soonest = Infinity
      let chosen: readonly Item[] | undefined
      for (const head of heads.values()) {
        const items = nextBatch(head)
        const left = head.since + config.batchMilliseconds - now
        if (items.length >= config.maxBatch || left <= 0 || head.attempts > 0) {
          chosen = items
          break
        }
        soonest = Math.min(soonest, left)
      }
      if (!chosen) {
        timer = setTimeout(dispatch, Math.ceil(soonest))
        return
      }
      remove(chosen)
      const { detector } = chosen[0]!
      const least = free[0]!.batches.length
      const worker =
        free.find((w) => w.batches.length === least && w.detectors.has(detector.digest)) ?? free[0]!
      const batch = { id: nextId++, items: chosen }
      worker.batches.push(batch)
      if (worker.batches.length === 1) watch(worker)
      for (const item of chosen) metrics.waitSeconds.observe((now - item.since) / 1000)
      writeBatch(pipeOf(worker.child), { id: batch.id, detector, items: chosen })
    }
  }

  for (let i = 0; i < config.workers; i++) start()

  return {
    predict(detector, image, options = {}, signal) {
      return new Promise((resolve, reject) => {
        if (closing) throw new CflowError('UNAVAILABLE', 'the server is ending')
        const bytes = 'encoded' in image ? image.encoded.length : image.data.length
        if (waiting.length >= config.maxQueue || waitingBytes + bytes > config.maxQueueBytes) {
          metrics.refused.inc()
          throw new CflowError('OVERLOADED', `${waiting.length} images wait already`, {
            hint: 'try again after Retry-After, or start the server with more --workers',
          })
        }
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            signal?.removeEventListener('abort', abandon)
            then(value)
          }
        const item: Item = {
          ...{ detector, image, options, bytes },
          since: performance.now(),
          attempts: 0,
          done: false,
          resolve: settle(resolve),
          reject: settle(reject),
        }
        /** Nobody waits for it any more. */
        const abandon = (): void => {
          if (!waiting.includes(item)) return
          remove([item])
          item.reject(new CflowError('UNAVAILABLE', 'the client is gone'))
        }
        if (signal?.aborted) throw new CflowError('UNAVAILABLE', 'the client is gone')
        signal?.addEventListener('abort', abandon, { once: true })
        waiting.push(item)
        waitingBytes += bytes
        metrics.waiting.set(waiting.length)
        dispatch()
      })
    },
    check: (path) => checkDetector(path, config),
    status: () => ({
      workers: config.workers,
      ready: [...workers].filter((w) => w.ready && !w.retiring).length,
      waiting: waiting.length,
      running: [...workers].reduce((n, w) => n + w.batches.reduce((m, b) => m + b.items.length, 0), 0), // prettier-ignore
      restarts,
    }),
    async close(milliseconds = 0) {
      const until = Date.now() + milliseconds
      const busy = () => waiting.length > 0 || [...workers].some((w) => w.batches.length > 0)
      while (busy() && Date.now() < until) await new Promise((r) => setTimeout(r, 20))
      closing = true
      clearTimeout(timer)
      const left = waiting
      remove(left)
      for (const item of left) fail(item, 'UNAVAILABLE', 'the server is ending')
      if (workers.size === 0) return
      const gone = new Promise<void>((resolve) => (idle = resolve))
      for (const worker of workers) kill(worker.child)
      await gone
    },
  }
}
