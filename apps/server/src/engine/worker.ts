/**
 * A process that decodes images and runs detectors. Batches run one after the other; while one runs, which blocks this
 * process, images of the next are decoded by threads.
 */
import { loadDetector, type Detector } from '@cflow/detector'
import { setPriority } from 'node:os'
import type { DetectorFile } from './engine.js'
import { decodeGroups, predictBatch } from './inference.js'
import { plainError } from './plain-error.js'
import type { FromWorker, ItemResult, ToWorker, WorkerSettings } from './protocol.js'

let settings: WorkerSettings
let loads = 0
/** The least recently used first. */
const loaded = new Map<string, Detector>()
let turn: Promise<unknown> = Promise.resolve()

// the server answers while detectors compute
try {
  setPriority(5)
} catch {
  // not allowed here
}
process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole group of processes: the server ends its workers when their work is done
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('message', (message: ToWorker) => {
  if (message.type === 'settings') settings = message.settings
  if (message.type === 'batch') receive(message)
})
tell({ type: 'ready' })

function receive({ id, detector, items }: Extract<ToWorker, { type: 'batch' }>): void {
  const groups = decodeGroups(items, settings.maxPixels)
  turn = turn.then(async () => {
    const start = performance.now()
    const results: ItemResult[] = []
    try {
      const opened = await open(detector)
      for (const group of groups) {
        const images = await group()
        const part = items.slice(results.length, results.length + images.length)
        results.push(...(await predictBatch(opened, part, images, settings)))
      }
    } catch (error) {
      const failed = { error: plainError(error) }
      while (results.length < items.length) results.push(failed)
    }
    const milliseconds = performance.now() - start
    const { rss } = process.memoryUsage()
    tell({ type: 'batch', id, results, milliseconds, detectors: [...loaded.keys()], loads, rss })
  })
}

async function open({ digest, path }: DetectorFile): Promise<Detector> {
  const known = loaded.get(digest)
  if (known) {
    loaded.delete(digest)
    loaded.set(digest, known)
    return known
  }
  while (loaded.size >= settings.detectors) {
    const [oldest, detector] = loaded.entries().next().value!
    loaded.delete(oldest)
    await detector.release()
  }
  const { device, threads } = settings
  loads++
  const detector = await loadDetector(path, { device, threads })
  loaded.set(digest, detector)
  return detector
}

function tell(message: FromWorker): void {
  // a server that is gone needs no answer
  process.send?.(message, (error: Error | null) => error && process.exit())
}
