import type { Runtime, Session } from '@cflow/runtimes'

/** Work with a runtime whose sessions are all released when it is over, however it ends. */
export async function inSessionScope<T>(
  runtime: Runtime,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const open = new Set<Session>()
  const scoped: Runtime = {
    ...runtime,
    async createSession(model, options) {
      const session = await runtime.createSession(model, options)
      open.add(session)
      const release = async (): Promise<void> => {
        if (open.delete(session)) await session.release()
      }
      return { ...session, release }
    },
  }
  try {
    return await work(scoped)
  } finally {
    for (const session of open) await session.release().catch(() => undefined)
  }
}
