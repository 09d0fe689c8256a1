import type { Runtime } from '@cflow/runtimes'

/** What happens in a job, counted from 1. */
export interface Events {
  readonly sessions: number
  readonly released: number
  readonly runs: number
}

/**
 * A driver whose sessions are counted.
 * @param broken which session gets no model, or which run no inputs, so that the driver itself fails
 */
export function countedRuntime(
  runtime: Runtime,
  broken: { readonly session?: number; readonly run?: number } = {},
): { readonly counted: Runtime; readonly events: Events } {
  const events = { sessions: 0, released: 0, runs: 0 }
  let asked = 0
  const counted: Runtime = {
    ...runtime,
    async createSession(model, options) {
      const none = ++asked === broken.session
      const session = await runtime.createSession(none ? new Uint8Array(8) : model, options)
      events.sessions++
      return {
        ...session,
        run: (feeds, outputs) => session.run(++events.runs === broken.run ? {} : feeds, outputs),
        async release() {
          events.released++
          await session.release()
        },
      }
    },
  }
  return { counted, events }
}
