import type { AnyAbortSignal } from '@cflow/base'
import { openRuntime, type OpenOptions, type Runtime } from '@cflow/runtimes'
import type { OnProgress } from '@cflow/trainer'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { resources, type ResourceOptions, type Resources } from './resources.js'
import { fileStore, type Store } from './store.js'

/** Where trials are run: images, weights, a runtime, and the store of what is finished. */
export interface Laboratory {
  readonly store: Store
  readonly resources: Resources
  readonly runtime: Runtime
  /** Runtime, device and threads in words. */
  readonly conditions: string
  /** Progress and interruption, as the trainer takes them. */
  readonly watch: { readonly onProgress?: OnProgress; readonly signal?: AnyAbortSignal }
  /** A remark for people. */
  note(text: string): void
}

export interface LaboratoryOptions extends ResourceOptions {
  /** Folder of the store. */
  readonly out: string
  readonly runtime?: OpenOptions
  readonly note?: (text: string) => void
}

/** @throws CflowError RUNTIME when there is no runtime for the device */
export async function laboratory(options: LaboratoryOptions): Promise<Laboratory> {
  const { out, note = () => undefined, onProgress, signal } = options
  const runtime = await openRuntime(options.runtime)
  const threads = options.runtime?.threads
  return {
    store: fileStore(out),
    resources: resources(options),
    runtime,
    conditions: `${runtime.name}, ${threads === undefined ? 'a thread for each physical core' : `${threads} thread${threads === 1 ? '' : 's'}`}`,
    watch: { ...(onProgress && { onProgress }), ...(signal && { signal }) },
    note,
  }
}

/** The machine in words: results are compared on one machine only. */
export function machine(): string {
  const model = cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || process.arch
  const memory = `${Math.round(totalmem() / 1e9)} GB`
  return `${model}, ${availableParallelism()} logical cores, ${memory}, ${process.platform}, Node ${process.version}`
}
