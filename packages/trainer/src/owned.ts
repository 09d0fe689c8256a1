import type { Runtime, Session } from '@cflow/runtimes'

/** A runtime whose sessions are known, so that all can be released at the end of a job, however it ends. */
export interface OwnedRuntime extends Runtime {
  /** Release what has not been released yet. Does not throw. */
  releaseAll(): Promise<void>
}

export function ownedRuntime(runtime: Runtime): OwnedRuntime {
  const open = new Set<Session>()
  return {
    ...runtime,
    async createSession(model, options) {
      const session = await runtime.createSession(model, options)
      open.add(session)
      const release = async (): Promise<void> => {
        if (open.delete(session)) await session.release()
      }
      return { ...session, release }
    },
    async releaseAll() {
      for (const session of open) await session.release().catch(() => undefined)
      open.clear()
    },
  }
}
