import { proxy } from 'comlink'
import type { Detection } from '@cflow/detector'
import { handleOf, waited } from '../worker/handle.js'
import type { DetectWorker, EngineOptions } from '../worker/detect.js'

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

type Adapter = { readonly info?: { isFallbackAdapter?: boolean; description?: string } }

/** Threads that WASM may use; what packages/runtimes would take. */
export const threadsHere = (): number =>
  globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 8) : 1

/** The engines, best first, with what is missing for those that cannot be used. */
export async function engineChoices(): Promise<readonly EngineChoice[]> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  const { isFallbackAdapter = false, description = '' } = adapter?.info ?? {}
  const isSoftware = isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(description)
  const threads = threadsHere()
  const why = globalThis.crossOriginIsolated ? 'one processor' : 'page is not isolated'
  const gpuLabel = isSoftware ? 'WebGPU (no GPU: software)' : 'WebGPU'
  return [
    {
      id: 'webgpu',
      label: gpuLabel,
      isSoftware,
      ...(!adapter && { missing: 'not in this browser' }),
    },
    threads > 1
      ? { id: 'threads', label: `WASM, ${threads} threads` }
      : { id: 'threads', label: 'WASM, several threads', missing: why },
    { id: 'single', label: 'WASM, 1 thread' },
  ]
}

export const engineOptions = (id: EngineId): EngineOptions => ({
  device: id === 'webgpu' ? 'webgpu' : 'wasm',
  wasmPaths: new URL('ort/', document.baseURI).href,
  ...(id === 'single' && { threads: 1 }),
})

export type Engine = Awaited<ReturnType<typeof openEngine>>

/** Milliseconds in which a lost GPU is told of, after a run that failed because of it. */
const lossDelay = 1000

/**
 * A detector on an engine, in a worker of its own.
 * @throws what loading a detector throws, and when the worker fails
 */
export async function openEngine(id: EngineId, model: Blob) {
  const handle = handleOf<DetectWorker>(
    new Worker(new URL('../worker/detect.ts', import.meta.url), { type: 'module' }),
  )
  let tellLost: () => void
  const lost = new Promise<void>((resolve) => (tellLost = resolve))
  const onLost = proxy(() => tellLost())
  const failLost = lost.then((): never => {
    throw new Error('the GPU device was lost')
  })
  failLost.catch(() => undefined)
  try {
    const { api, answered } = handle
    const { manifest, runtime } = await answered(api.load(model, engineOptions(id), onLost))
    return {
      ...{ id, model, manifest },
      /** Name of the runtime, with its threads. */
      runtime,
      /** Resolves when the GPU is lost, else never. */
      lost,
      async detect(image: Blob): Promise<Detection> {
        try {
          return await Promise.race([answered(api.detect(image)), failLost])
        } catch (error) {
          // a run on a lost GPU may fail, of many things, before the loss is told
          if (id === 'webgpu') await Promise.race([failLost, waited(lossDelay)])
          throw error
        }
      },
      close: handle.close,
    }
  } catch (error) {
    handle.close()
    throw error
  }
}
