import { messageOf } from '@cflow/base'
import { setTimeout } from 'node:timers/promises'
import type { Supervisor } from './supervisor.js'

/** Runs jobs as long as there are any, so many at a time; without a queue, the records are the queue. */
export function createRunner(
  supervisor: Supervisor,
  options: {
    readonly concurrency: number
    /** Milliseconds between two looks for jobs; `wake` looks at once. */
    readonly poll?: number
    log(level: 'warn', facts: object, text: string): void
  },
) {
  const { concurrency, poll = 2000, log } = options
  const closing = new AbortController()
  let woken = new AbortController()
  const nap = () =>
    setTimeout(poll, undefined, { signal: AbortSignal.any([closing.signal, woken.signal]) }).catch(
      () => undefined,
    )
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const woke = woken
      try {
        if (await supervisor.runOne(closing.signal)) continue
      } catch (error) {
        log('warn', { err: error }, `no job can be taken: ${messageOf(error)}`)
      }
      if (woke === woken) await nap()
    }
  }
  const loops = Array.from({ length: concurrency }, loop)
  return {
    wake(): void {
      const before = woken
      woken = new AbortController()
      before.abort()
    },
    /** Jobs that run pause, and are handed back. */
    async close(): Promise<void> {
      closing.abort()
      await Promise.all(loops)
    },
  }
}
