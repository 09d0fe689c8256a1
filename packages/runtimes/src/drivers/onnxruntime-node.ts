import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { CflowError, messageOf } from '@cflow/base'
import { input, writeOnnx } from '@cflow/graph'
import { library, type Driver } from '../driver.js'
import { physicalCores } from '../cores.js'
import type { Runtime } from '../runtime.js'
import { questioned } from '../self-test.js'
import { notLoaded, sessionOver } from './onnxruntime.js'

const hints: Readonly<Record<string, string>> = {
  webgpu:
    'it needs a GPU and its driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS); or use --device cpu',
  coreml: 'it needs macOS; or use --device cpu',
  dml: 'it needs Windows and a GPU that knows DirectX 12; or use --device cpu',
  cuda: 'it needs an NVIDIA driver, CUDA, cuDNN 9, and the library that the install script of onnxruntime-node fetches (package managers may skip it: npm rebuild onnxruntime-node); or use --device cpu',
}

/** What the builds for a system may have besides. */
const ofPlatform: Readonly<Record<string, readonly string[]>> = {
  linux: ['cuda'],
  darwin: ['coreml'],
  win32: ['dml'],
}

/** What the install script of onnxruntime-node fetches. */
function cudaLibrary(): string {
  const folder = `bin/napi-v6/${platform()}/${arch()}`
  const main = createRequire(import.meta.url).resolve('onnxruntime-node')
  return join(dirname(main), '..', folder, 'libonnxruntime_providers_cuda.so')
}

/**
 * Why the system does not load a library that is there, such as the name of another one that it needs: onnxruntime keeps that
 * to itself. Undefined where the file is missing, or where it loads.
 */
export function notLoadable(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  try {
    process.dlopen({ exports: {} }, path)
  } catch (error) {
    const message = messageOf(error)
    // it is no addon of Node's, which is what is said of one that loads
    return /self-regist/.test(message) ? undefined : message
  }
  return undefined
}

/** Of the devices that were tried before. */
const answers = new Map<string, Promise<void>>()

export const onnxruntimeNode: Driver = {
  name: 'onnxruntime-node',
  devices: ['cpu', ...(ofPlatform[platform()] ?? []), 'webgpu'],
  async open({ device = 'cpu', threads }) {
    const ort = await library('onnxruntime-node', import('onnxruntime-node'))
    const devices = ort.listSupportedBackends().map((b) => b.name)
    if (!devices.includes(device))
      throw new CflowError('RUNTIME', `this onnxruntime-node has no device ${device}`, {
        subject: device,
        hint: `it has ${devices.join(', ')}; other devices need another build of onnxruntime-node`,
      })
    const create = (model: Uint8Array, intraOpNumThreads: number) =>
      ort.InferenceSession.create(model, {
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        logSeverityLevel: 4, // errors are thrown
        // a thread that waits for the others spins for a millisecond by default: where the cores are shared with other
        // programs it takes them from those that it waits for, and a run takes up to twice as long
        extra: { session: { intra_op: { spin_duration_us: '50' } } },
      })
    if (device !== 'cpu') {
      // the library prints what it also throws
      ort.env.logLevel = 'fatal'
      // a device may be listed whose library is not there: found out now, not after an hour of decoding
      const empty = writeOnnx({ y: input('x', 'float32', [1]) })
      const probe = await create(empty, 1).catch((cause: unknown) => {
        const lacks = device === 'cuda' ? notLoadable(cudaLibrary()) : undefined
        throw new CflowError(
          'RUNTIME',
          `the device ${device} cannot be used: ${lacks ?? messageOf(cause).replace(/\s+/g, ' ').trim()}`,
          {
            subject: device,
            hint:
              lacks !== undefined
                ? 'install what it names (CUDA, cuDNN 9), put its folder into LD_LIBRARY_PATH before Node starts; or use --device cpu'
                : (hints[device] ?? 'check its driver, or use --device cpu'),
            cause,
          },
        )
      })
      await probe.release()
    }
    const runtime: Runtime = {
      name: `onnxruntime-node (${device})`,
      scans: device === 'cpu',
      async createSession(model, options = {}) {
        const count = options.threads ?? threads ?? physicalCores()
        const session = await create(model, count).catch(notLoaded)
        return sessionOver(ort, session, device === 'cpu', options.state)
      },
    }
    return device === 'cpu' ? runtime : questioned(runtime, device, answers)
  },
}
