import type { Engine } from './held.js'

/** The library has one backend at a time: all that is done with it waits for what was begun before. */
let last: Promise<unknown> = Promise.resolve()

/** After all else that was begun on the library. */
export function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
  const result = last.then(work)
  last = result.catch(() => undefined)
  return result
}

/** In turn, on a backend. */
export const onBackend = <T>({ tf, backend }: Engine, work: () => T | Promise<T>): Promise<T> =>
  inTurn(async () => {
    if (tf.getBackend() !== backend) await tf.setBackend(backend)
    return work()
  })
