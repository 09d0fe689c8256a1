/**
 * A process that decodes images and runs detectors. Batches run one after the other; while one runs, which blocks this
 * process, its thread reads and decodes the images of the next.
 */
import { loadDetector, type Detector } from '@cflow/detector'
import { imagesFd, startThread } from './child.js'
import type { DetectorFile } from './engine.js'
import { boundHeap } from './heap.js'
import { predictBatch } from './inference.js'
import { plainError } from './plain-error.js'
import { giveWay } from './priority.js'
import type {
  DecodedGroup,
  DecoderSettings,
  FromWorker,
  ItemResult,
  ToWorker,
  WorkerSettings,
} from './protocol.js'

let settings: WorkerSettings
let loads = 0
/** The least recently used first. */
const loaded = new Map<string, Detector>()
let turn: Promise<unknown> = Promise.resolve()
/** Of the batch that runs. */
let results: ItemResult[] = []
let milliseconds = 0

// the server answers while detectors compute
giveWay(10)
boundHeap()
process.on('disconnect', () => process.exit())
// Ctrl-C reaches the whole group of processes: the server ends its workers when their work is done
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('message', (message: ToWorker) => {
  if (message.type !== 'settings') return
  settings = message.settings
  void startDecoder()
})

async function startDecoder(): Promise<void> {
  // its library is to be loaded by the main thread first; where it is missing, every image says so
  await import('sharp').catch(() => undefined)
  const workerData: DecoderSettings = { fd: imagesFd, maxPixels: settings.maxPixels }
  const decoder = startThread('decoder', import.meta.url, workerData)
  // without it nothing is judged: another process takes this one's place
  decoder.on('error', (error) => {
    console.error(error)
    process.exit(1)
  })
  decoder.on('message', (group: DecodedGroup | 'ready') => {
    if (group === 'ready') return tell({ type: 'ready' })
    turn = turn.then(async () => {
      await judge(group)
      decoder.postMessage(group.pixels)
    })
  })
}

async function judge({ id, detector, decoded, options, last }: DecodedGroup): Promise<void> {
  const start = performance.now()
  try {
    const opened = await open(detector)
    results.push(...(await predictBatch(opened, options, decoded, settings)))
  } catch (error) {
    const failed = { error: plainError(error) }
    results.push(...options.map(() => failed))
  }
  milliseconds += performance.now() - start
  if (!last) return
  const { rss } = process.memoryUsage()
  tell({ type: 'batch', id, results, milliseconds, detectors: [...loaded.keys()], loads, rss })
  results = []
  milliseconds = 0
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
