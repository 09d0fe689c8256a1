import { releaseProxy, wrap, type Remote } from 'comlink'

/** A worker, and what it offers. */
export function handleOf<Api>(worker: Worker) {
  const api: Remote<Api> = wrap<Api>(worker)
  let fail: (error: Error) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      reject(new Error(event.message || 'the background worker could not be started'))
    })
  })
  failed.catch(() => undefined)
  let isClosed = false
  return {
    api,
    /** The result of a call, or the failure of the worker that should have answered it. */
    answered: <T>(call: Promise<T>): Promise<T> => Promise.race([call, failed]),
    /** End it at once, with all its memory; calls that wait fail. */
    close() {
      if (isClosed) return
      isClosed = true
      api[releaseProxy]()
      worker.terminate()
      fail(new Error('the background worker was ended'))
    },
  }
}

export const waited = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))
