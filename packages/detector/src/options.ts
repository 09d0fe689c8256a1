import { CflowError } from '@cflow/base'
import type { Runtime } from '@cflow/runtimes'

export interface LoadOptions {
  /** The runtime to use; by default onnxruntime-node in Node and onnxruntime-web elsewhere. */
  readonly runtime?: Runtime
  /** Device of the default runtime: `cpu`, `cuda`, … in Node; `auto`, `wasm` or `webgpu` in browsers. */
  readonly device?: string
  /** Threads for one operator; by default the physical cores (in browsers at most 8, and one without isolation). */
  readonly threads?: number
}

/** @throws CflowError USAGE for options that are wrong or contradict each other */
export function checkOptions({ runtime, device, threads }: LoadOptions): void {
  if (runtime && device !== undefined)
    throw new CflowError('USAGE', 'a runtime has its device already: give one of the two', {
      subject: 'device',
    })
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0))
    throw new CflowError('USAGE', `threads is a positive integer, got ${threads}`, {
      subject: 'threads',
    })
}

/** The options of a default runtime, without those that were not given. */
export function runtimeOptions({ device, threads }: LoadOptions): {
  readonly device?: string
  readonly threads?: number
} {
  return {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  }
}

/** The error for a value that cannot hold a detector file. */
export function notASource(source: unknown, accepted: string): CflowError {
  const kind = Object.prototype.toString.call(source).slice(8, -1)
  return new CflowError('USAGE', `a value of type ${kind} is no detector file`, {
    subject: 'source',
    hint: `give ${accepted}`,
  })
}
