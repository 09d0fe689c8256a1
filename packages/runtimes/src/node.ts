import { CflowError, messageOf } from '@cflow/base'
import { input, writeOnnx } from '@cflow/graph'
import { physicalCores } from './cores.js'
import { sessionOver } from './onnxruntime.js'
import type { Runtime } from './runtime.js'

export interface NodeRuntimeOptions {
  /** `cpu` (default), or an execution provider that the installed onnxruntime-node has (cuda, dml, coreml, webgpu). */
  readonly device?: string
  /** Threads for one operator; physical cores when absent. */
  readonly threads?: number
}

const hints: Readonly<Record<string, string>> = {
  cuda: 'it needs an NVIDIA driver, CUDA and the library that the install script of onnxruntime-node fetches (package managers may skip it: npm rebuild onnxruntime-node); or use --device cpu',
}

/**
 * The driver over onnxruntime-node.
 * @throws CflowError RUNTIME when onnxruntime-node is not installed for this platform, or lacks the device or its library
 */
export async function nodeRuntime(options: NodeRuntimeOptions = {}): Promise<Runtime> {
  const ort = await import('onnxruntime-node').catch((error: unknown) => {
    throw new CflowError('RUNTIME', `onnxruntime-node cannot be loaded: ${messageOf(error)}`, {
      hint: 'install it for this platform: npm install onnxruntime-node',
      cause: error,
    })
  })
  const device = options.device ?? 'cpu'
  const devices = ort.listSupportedBackends().map((b) => b.name)
  if (!devices.includes(device))
    throw new CflowError('RUNTIME', `this onnxruntime-node has no device ${device}`, {
      subject: device,
      hint: `it has ${devices.join(', ')}; other devices need another build of onnxruntime-node`,
    })
  const open = (model: Uint8Array, threads: number) =>
    ort.InferenceSession.create(model, {
      executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 4, // errors are thrown
    })
  if (device !== 'cpu') {
    // the library prints what it also throws
    ort.env.logLevel = 'fatal'
    // a device may be listed whose library is not there: found out now, not after an hour of decoding
    const probe = await open(writeOnnx({ y: input('x', 'float32', [1]) }), 1).catch(
      (error: unknown) => {
        throw new CflowError(
          'RUNTIME',
          `the device ${device} cannot be used: ${messageOf(error)}`,
          {
            subject: device,
            hint: hints[device] ?? 'check its driver, or use --device cpu',
            cause: error,
          },
        )
      },
    )
    await probe.release()
  }
  return {
    name: `onnxruntime-node (${device})`,
    scans: device === 'cpu',
    async createSession(model, sessionOptions = {}) {
      const threads = sessionOptions.threads ?? options.threads ?? physicalCores()
      const session = await open(model, threads).catch((error: unknown) => {
        throw new CflowError('MODEL', `onnxruntime cannot load the model: ${messageOf(error)}`, {
          cause: error,
        })
      })
      return sessionOver(ort, session, sessionOptions, { preallocate: device === 'cpu' })
    },
  }
}

export { physicalCores } from './cores.js'
