import { CflowError, messageOf } from '@cflow/base'
import { sessionOver } from './onnxruntime.js'
import type { Runtime } from './runtime.js'

export interface WebRuntimeOptions {
  /**
   * - `auto` (default): WebGPU where the browser offers an adapter, else WASM
   * - `webgpu`: required; operators that it lacks run on WASM
   * - `wasm`: the CPU, with several threads on a cross-origin isolated page
   */
  readonly device?: string
  /**
   * WASM threads; by default the logical cores, at most 8. Without cross-origin isolation (the headers COOP
   * `same-origin` and COEP `require-corp` or `credentialless`) and outside browsers it is one, whatever is asked for.
   */
  readonly threads?: number
  /**
   * Where the site serves the files `ort-wasm-simd-threaded*.{mjs,wasm}` of onnxruntime-web: a folder's URL with a
   * slash at its end, or the URL of each file. Bundlers that follow `new URL(…, import.meta.url)` (Vite, webpack)
   * copy the file by themselves and need none. Nothing is ever fetched from another site.
   */
  readonly wasmPaths?: string | { readonly mjs?: string | URL; readonly wasm?: string | URL }
}

const devices = ['auto', 'wasm', 'webgpu']
const mostThreads = 8

/**
 * The driver over onnxruntime-web. It also runs in Node, on WASM with one thread.
 *
 * onnxruntime-web starts each of its two builds (WASM, WebGPU) once per page: threads and paths of the first session
 * hold for all that follow, and `name` tells the threads there are.
 * @throws CflowError RUNTIME when onnxruntime-web cannot be loaded, or there is no such device here; USAGE when
 *   `threads` is not a positive integer
 */
export async function webRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const device = await chooseDevice(options.device ?? 'auto')
  const ort = await loadBuild(device)
  const { wasm } = ort.env
  wasm.numThreads ??= threadsFor(options.threads)
  if (options.wasmPaths !== undefined) wasm.wasmPaths = options.wasmPaths
  const threads = `${wasm.numThreads} thread${wasm.numThreads === 1 ? '' : 's'}`
  return {
    name: `onnxruntime-web (${device === 'webgpu' ? 'webgpu' : `wasm, ${threads}`})`,
    scans: device === 'wasm',
    async createSession(model, sessionOptions = {}) {
      const carried = Object.keys(sessionOptions.state ?? {})
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [device],
        graphOptimizationLevel: 'all',
        executionMode: 'sequential',
        logSeverityLevel: 3,
        ...(device === 'webgpu' && carried.length > 0
          ? { preferredOutputLocation: Object.fromEntries(carried.map((n) => [n, 'gpu-buffer'])) }
          : {}),
      }).catch((error: unknown) => {
        throw failure(error)
      })
      // preallocated outputs are ignored by the WASM build (it fills arrays of its own), so state gets new ones
      return sessionOver(ort, session, sessionOptions, { preallocate: false })
    },
  }
}

async function chooseDevice(asked: string): Promise<'wasm' | 'webgpu'> {
  if (!devices.includes(asked))
    throw new CflowError('RUNTIME', `onnxruntime-web has no device ${asked}`, {
      subject: asked,
      hint: `it has ${devices.join(', ')}`,
    })
  if (asked === 'wasm') return 'wasm'
  if (await hasWebGpu()) return 'webgpu'
  if (asked === 'auto') return 'wasm'
  throw new CflowError('RUNTIME', 'there is no WebGPU here', {
    subject: asked,
    hint: 'use a browser that has it, over https, or the device wasm',
  })
}

async function hasWebGpu(): Promise<boolean> {
  const { navigator } = globalThis as {
    navigator?: { gpu?: { requestAdapter(): Promise<unknown> } }
  }
  const adapter = await navigator?.gpu?.requestAdapter().catch(() => null)
  return adapter !== undefined && adapter !== null
}

function loadBuild(device: 'wasm' | 'webgpu') {
  const build =
    device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm')
  return build.catch((error: unknown) => {
    throw new CflowError('RUNTIME', `onnxruntime-web cannot be loaded: ${messageOf(error)}`, {
      hint: 'install it: npm install onnxruntime-web',
      cause: error,
    })
  })
}

function threadsFor(asked: number | undefined): number {
  if (asked !== undefined && !(Number.isInteger(asked) && asked > 0))
    throw new CflowError('USAGE', `threads is a positive integer, got ${asked}`, {
      subject: 'threads',
    })
  if (globalThis.crossOriginIsolated !== true) return 1
  return asked ?? Math.min(globalThis.navigator.hardwareConcurrency, mostThreads)
}

function failure(error: unknown): CflowError {
  const message = messageOf(error)
  if (message.startsWith('no available backend'))
    return new CflowError('RUNTIME', `onnxruntime-web cannot start: ${message}`, {
      hint: 'check that the site serves the files ort-wasm-simd-threaded*.{mjs,wasm}, and the option wasmPaths',
      cause: error,
    })
  return new CflowError('MODEL', `onnxruntime cannot load the model: ${message}`, { cause: error })
}
