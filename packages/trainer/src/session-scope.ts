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

type Options = NonNullable<Parameters<Runtime['createSession']>[1]>

/** A session that was released, and what it was made of. */
interface Idle {
  readonly session: Session
  readonly model: Uint8Array
  readonly options: Options
}

/**
 * Work that makes trainings ready again and again, such as those of folds: a session with a state that was released is given
 * to whoever asks for one of the same model, as making one takes longer than a fold's share of steps. All end with the work.
 */
export async function reusingSessions<T>(
  runtime: Runtime,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const idle: Idle[] = []
  const reusing: Runtime = {
    ...runtime,
    async createSession(model, options) {
      if (!options?.state) return runtime.createSession(model, options)
      const at = idle.findIndex((known) => isSame(known, model, options))
      const [known] = at < 0 ? [] : idle.splice(at, 1)
      const session = known?.session ?? (await runtime.createSession(model, options))
      let released = false
      const release = (): Promise<void> => {
        if (!released) idle.push({ session, model, options })
        released = true
        return Promise.resolve()
      }
      return { ...session, release }
    },
  }
  try {
    return await work(reusing)
  } finally {
    for (const { session } of idle) await session.release()
  }
}

const isSame = (known: Idle, model: Uint8Array, options: Options): boolean =>
  JSON.stringify(known.options) === JSON.stringify(options) &&
  known.model.length === model.length &&
  known.model.every((byte, i) => byte === model[i])
