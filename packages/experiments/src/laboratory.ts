import { openRuntime, type OpenOptions, type Runtime } from '@cflow/runtimes'
import type { OnProgress } from '@cflow/trainer'
import { resources } from './resources.js'
import type { ResourceOptions, Resources } from './resources.js'
import { fileStore } from './store.js'
import type { Store } from './store.js'

/** Where trials are run: images, weights, a runtime, and the store of what is finished. */
export interface Laboratory {
  readonly store: Store
  readonly resources: Resources
  readonly runtime: Runtime
  /** Runtime, device and threads in words. */
  readonly conditions: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
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
    note,
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  }
}
