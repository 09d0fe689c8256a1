import { CflowError, messageOf } from '@cflow/base'
import { library, type Driver } from '../driver.js'
import type { Runtime } from '../runtime.js'
import { questioned } from '../self-test.js'
import { notLoaded, sessionOver } from './onnxruntime.js'

const devices = ['auto', 'wasm', 'webgpu', 'jspi']
const maxThreads = 8

/** `jspi` is WebGPU, too, by a build that waits for the GPU with the engine's own means. */
const builds = {
  wasm: () => import('onnxruntime-web/wasm'),
  webgpu: () => import('onnxruntime-web/webgpu'),
  jspi: () => import('onnxruntime-web/jspi'),
}

/** Of the devices that were tried before. */
const answers = new Map<string, Promise<void>>()

/**
 * onnxruntime-web starts each of its two builds (WASM, WebGPU) once per page: threads and paths of the first session
 * hold for all that follow, and the runtime's name tells the threads there are.
 */
export const onnxruntimeWeb: Driver = {
  name: 'onnxruntime-web',
  devices: ['wasm'],
  async open({ device: asked = 'auto', threads, wasmPaths }) {
    const device = await chooseDevice(asked)
    const ort = await library('onnxruntime-web', builds[device]())
    const { wasm } = ort.env
    wasm.numThreads ??= threadsHere(threads)
    if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths
    const count = `${wasm.numThreads} thread${wasm.numThreads === 1 ? '' : 's'}`
    const onCpu = device === 'wasm'
    const runtime: Runtime = {
      name: `onnxruntime-web (${onCpu ? `wasm, ${count}` : device})`,
      scans: onCpu,
      async createSession(model, { state = {} } = {}) {
        const carried = Object.keys(state).map((name) => [name, 'gpu-buffer'] as const)
        const session = await ort.InferenceSession.create(model, {
          executionProviders: [onCpu ? 'wasm' : 'webgpu'],
          graphOptimizationLevel: 'all',
          executionMode: 'sequential',
          logSeverityLevel: 3,
          ...(!onCpu &&
            carried.length > 0 && { preferredOutputLocation: Object.fromEntries(carried) }),
        }).catch(failed)
        // preallocated outputs are ignored by the WASM build (it fills arrays of its own), so state gets new ones
        return sessionOver(ort, session, false, state)
      },
    }
    return onCpu ? runtime : questioned(runtime, device, answers)
  },
}

/** Where an adapter says that it is none of a GPU: older browsers in itself. */
interface Adapter {
  readonly isFallbackAdapter?: boolean
  readonly info?: { readonly isFallbackAdapter?: boolean }
}

const isSoftware = ({ isFallbackAdapter, info }: Adapter): boolean =>
  (info?.isFallbackAdapter ?? isFallbackAdapter) === true

async function chooseDevice(asked: string): Promise<keyof typeof builds> {
  if (!devices.includes(asked))
    throw new CflowError('RUNTIME', `onnxruntime-web has no device ${asked}`, {
      subject: asked,
      hint: `it has ${devices.join(', ')}`,
    })
  if (asked === 'wasm') return 'wasm'
  const { navigator } = globalThis as {
    navigator?: { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  }
  // of WebAssembly's JavaScript Promise Integration
  const suspends = 'Suspending' in WebAssembly
  if (asked === 'jspi' && !suspends)
    throw new CflowError('RUNTIME', 'this engine has no JavaScript Promise Integration (JSPI)', {
      subject: asked,
      hint: 'use the device webgpu, or a browser that has it (Chromium from 137 on)',
    })
  const adapter = await navigator?.gpu?.requestAdapter().catch(() => null)
  // the processor computes what a software adapter is asked for, and more slowly than WASM
  if (adapter && !(asked === 'auto' && isSoftware(adapter)))
    return asked === 'jspi' ? 'jspi' : 'webgpu'
  if (asked === 'auto') return 'wasm'
  throw new CflowError('RUNTIME', 'there is no WebGPU here', {
    subject: asked,
    hint: 'use a browser that has it, over https, or the device wasm',
  })
}

function threadsHere(asked: number | undefined): number {
  if (globalThis.crossOriginIsolated !== true) return 1
  return asked ?? Math.min(globalThis.navigator.hardwareConcurrency, maxThreads)
}

function failed(cause: unknown): never {
  const message = messageOf(cause)
  if (!message.startsWith('no available backend')) return notLoaded(cause)
  throw new CflowError('RUNTIME', `onnxruntime-web cannot start: ${message}`, {
    hint: 'check that the site serves the files ort-wasm-simd-threaded*.{mjs,wasm}, and the option wasmPaths',
    cause,
  })
}
