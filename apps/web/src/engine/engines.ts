import { proxy, transfer } from 'comlink'
import type { AnomalyMap, Detection } from '@cflow/detector'
import type { DetectWorker, EngineOptions } from '../worker/detect.js'
import { handleOf, waited } from '../worker/handle.js'
import type { OnBytes } from './files.js'
import { packedWasm, sent } from './packed.js'

export type EngineId = 'webgpu' | 'threads' | 'single'

/** A way to run that this browser may offer. */
export interface EngineChoice {
  readonly id: EngineId
  readonly label: string
  /** Why it cannot be used here. */
  readonly missing?: string
  /** WebGPU computed by the processor: slower than WASM. */
  readonly isSoftware?: boolean
}

type Adapter = {
  readonly isFallbackAdapter?: boolean
  readonly info?: { isFallbackAdapter?: boolean; description?: string }
}

/** Threads that WASM may use; what packages/runtimes would take. */
export const threadsHere = (): number =>
  globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 8) : 1

/** WASM with threads and with one; what is missing where one cannot be used. */
export function wasmChoices(): readonly [threads: EngineChoice, single: EngineChoice] {
  const threads = threadsHere()
  const why = globalThis.crossOriginIsolated ? 'one processor' : 'page is not isolated'
  return [
    threads > 1
      ? { id: 'threads', label: `WASM, ${threads} threads` }
      : { id: 'threads', label: 'WASM, several threads', missing: why },
    { id: 'single', label: 'WASM, 1 thread' },
  ]
}

/** WebGPU, where there is an adapter. */
export async function gpuChoice(): Promise<EngineChoice> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  if (!adapter) return { id: 'webgpu', label: 'WebGPU', missing: 'not in this browser' }
  const { isFallbackAdapter = false, description = '' } = adapter.info ?? {}
  const isSoftware =
    isFallbackAdapter ||
    adapter.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|basic render/i.test(description)
  return isSoftware
    ? { id: 'webgpu', label: 'WebGPU (no GPU: software)', isSoftware }
    : { id: 'webgpu', label: 'WebGPU' }
}

/** Whether the browser was told to spare the network. */
export const savesData = (): boolean =>
  (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true

export const engineOptions = (id: EngineId): EngineOptions => ({
  device: id === 'webgpu' ? 'webgpu' : 'wasm',
  wasmPaths: new URL('ort/', document.baseURI).href,
  ...(id === 'single' && { threads: 1 }),
})

export type Engine = Awaited<ReturnType<typeof openEngine>>

/** Milliseconds in which a lost GPU is told of, after a run that failed because of it. */
const lossDelay = 1000

/** A worker for an engine; that of WASM fetches what it needs. */
export function startWorker(id: EngineId, onBytes: OnBytes) {
  const handle = handleOf<DetectWorker>(
    new Worker(new URL('../worker/detect.ts', import.meta.url), { type: 'module' }),
  )
  const prepare = async () => {
    const { port1, port2 } = new MessageChannel()
    const ready = handle.answered(handle.api.prepare(transfer(port2, [port2]), engineOptions(id)))
    await Promise.all([ready, sent(packedWasm(onBytes), port1)])
  }
  const prepared = id === 'webgpu' ? Promise.resolve() : prepare()
  prepared.catch(() => undefined)
  return { id, handle, prepared }
}

/**
 * A detector on an engine, in a worker of its own.
 * @throws what loading a detector throws, and when the worker fails
 */
export async function openEngine(
  { id, handle, prepared }: ReturnType<typeof startWorker>,
  model: Blob,
) {
  let tellLost: () => void
  const lost = new Promise<void>((resolve) => (tellLost = resolve))
  const onLost = proxy(() => tellLost())
  const failLost = lost.then((): never => {
    throw new Error('the GPU device was lost')
  })
  failLost.catch(() => undefined)
  /** What the worker answers, or that the GPU was lost. */
  const asked = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await Promise.race([handle.answered(call()), failLost])
    } catch (error) {
      // a run on a lost GPU may fail, of many things, before the loss is told
      if (id === 'webgpu') await Promise.race([failLost, waited(lossDelay)])
      throw error
    }
  }
  try {
    const { api, answered } = handle
    const loading = answered(api.load(model, engineOptions(id), onLost))
    const [{ manifest, runtime }] = await Promise.all([loading, prepared])
    return {
      ...{ id, model, manifest },
      /** Name of the runtime, with its threads. */
      runtime,
      /** Resolves when the GPU is lost, else never. */
      lost,
      detect: (image: Blob | ImageData): Promise<Detection> =>
        asked(() =>
          api.detect(image instanceof Blob ? image : transfer(image, [image.data.buffer])),
        ),
      /** The anomaly map of each scale alone. */
      scaleMaps: (image: Blob): Promise<readonly AnomalyMap[]> => asked(() => api.scaleMaps(image)),
      close: handle.close,
    }
  } catch (error) {
    handle.close()
    throw error
  }
}
