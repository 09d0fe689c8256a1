import { CflowError, messageOf } from '@cflow/base'
import { library, type Driver } from '../driver.js'
import { notLoaded, sessionOver } from './onnxruntime.js'

const devices = ['auto', 'wasm', 'webgpu']
const maxThreads = 8

/**
 * onnxruntime-web starts each of its two builds (WASM, WebGPU) once per page: threads and paths of the first session
 * hold for all that follow, and the runtime's name tells the threads there are.
 */
export const onnxruntimeWeb: Driver = {
  name: 'onnxruntime-web',
  async open({ device: asked = 'auto', threads, wasmPaths }) {
    const device = await chooseDevice(asked)
    const ort = await library(
      'onnxruntime-web',
      device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm'),
    )
    const { wasm } = ort.env
    wasm.numThreads ??= threadsHere(threads)
    if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths
    const count = `${wasm.numThreads} thread${wasm.numThreads === 1 ? '' : 's'}`
    return {
      name: `onnxruntime-web (${device === 'webgpu' ? 'webgpu' : `wasm, ${count}`})`,
      scans: device === 'wasm',
      async createSession(model, { state = {} } = {}) {
        const carried = Object.keys(state).map((name) => [name, 'gpu-buffer'] as const)
        const session = await ort.InferenceSession.create(model, {
          executionProviders: [device],
          graphOptimizationLevel: 'all',
          executionMode: 'sequential',
          logSeverityLevel: 3,
          ...(device === 'webgpu' &&
            carried.length > 0 && { preferredOutputLocation: Object.fromEntries(carried) }),
        }).catch(failed)
        // preallocated outputs are ignored by the WASM build (it fills arrays of its own), so state gets new ones
        return sessionOver(ort, session, false, state)
      },
    }
  },
}

async function chooseDevice(asked: string): Promise<'wasm' | 'webgpu'> {
  if (!devices.includes(asked))
    throw new CflowError('RUNTIME', `onnxruntime-web has no device ${asked}`, {
      subject: asked,
      hint: `it has ${devices.join(', ')}`,
    })
  if (asked === 'wasm') return 'wasm'
  const { navigator } = globalThis as {
    navigator?: { gpu?: { requestAdapter(): Promise<unknown> } }
  }
  if (await navigator?.gpu?.requestAdapter().catch(() => null)) return 'webgpu'
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
