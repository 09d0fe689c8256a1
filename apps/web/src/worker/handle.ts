import { releaseProxy, wrap } from 'comlink'
import type { Remote } from 'comlink'

/** A worker, and what it offers. */
export interface Handle<Api> {
  readonly api: Remote<Api>
  /** Rejects when the worker fails or is ended, which its calls would not tell. */
  readonly failed: Promise<never>
  /** End it at once, with all its memory; calls that wait fail. */
  close(): void
}

export function handleOf<Api>(worker: Worker): Handle<Api> {
  const api = wrap<Api>(worker)
  let fail: (error: Error) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      reject(new Error(event.message || 'the background worker could not be started'))
    })
  })
  failed.catch(() => undefined)
  return {
    api,
    failed,
    close() {
      api[releaseProxy]()
      worker.terminate()
      fail(new Error('the background worker was ended'))
    },
  }
}

/** The result of a call, or the failure of the worker that should have answered it. */
export const answered = <T>(handle: Handle<unknown>, call: Promise<T>): Promise<T> =>
  Promise.race([call, handle.failed])
