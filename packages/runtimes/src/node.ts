import { availableParallelism } from 'node:os'
import { CflowError, messageOf } from '@cflow/base'
import { sessionOver } from './onnxruntime.js'
import type { Runtime } from './runtime.js'

export interface NodeRuntimeOptions {
  /** `cpu` (default), or an execution provider that the installed onnxruntime-node has (cuda, dml, coreml, webgpu). */
  readonly device?: string
  /** Threads for one operator; all available cores when absent. */
  readonly threads?: number
}

/**
 * The driver over onnxruntime-node.
 * @throws CflowError RUNTIME when onnxruntime-node is not installed for this platform, or lacks the device
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
  return {
    name: `onnxruntime-node (${device})`,
    async createSession(model, sessionOptions = {}) {
      const threads = sessionOptions.threads ?? options.threads ?? availableParallelism()
      const session = await ort.InferenceSession.create(model, {
        executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        logSeverityLevel: 4, // errors are thrown
      }).catch((error: unknown) => {
        throw new CflowError('MODEL', `onnxruntime cannot load the model: ${messageOf(error)}`, {
          cause: error,
        })
      })
      return sessionOver(ort, session, sessionOptions, { preallocate: device === 'cpu' })
    },
  }
}
