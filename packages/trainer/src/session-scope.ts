import type { Runtime, Session } from '@cflow/runtimes'

/**
 * Work with a runtime whose sessions are all released when it is over, however it ends. A session that was released before
 * is given again to whoever asks for one of the same model: the trainings of folds have many in common, and making one
 * ready takes longer than a fold's share of steps.
 */
export async function inSessionScope<T>(
  runtime: Runtime,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  const open = new Set<Session>()
  const idle: Idle[] = []
  const scoped: Runtime = {
    ...runtime,
    async createSession(model, options) {
      const at = idle.findIndex((known) => isSame(known, model, options))
      const [known] = at < 0 ? [] : idle.splice(at, 1)
      const session = known?.session ?? (await runtime.createSession(model, options))
      open.add(session)
      const release = async (): Promise<void> => {
        if (!open.delete(session)) return
        // only sessions that carry a state are asked for again; others hold weights that nobody needs twice
        idle.push(...(options?.state ? [{ session, model, options }] : []))
        if (!options?.state) await session.release()
        else if (idle.length > maxIdle) await idle.shift()?.session.release()
      }
      return { ...session, release }
    },
  }
  try {
    return await work(scoped)
  } finally {
    for (const session of [...open, ...idle.map((known) => known.session)])
      await session.release().catch(() => undefined)
  }
}

type Options = NonNullable<Parameters<Runtime['createSession']>[1]>

interface Idle {
  readonly session: Session
  readonly model: Uint8Array
  readonly options: Options
}

/** Sessions that are kept for whoever asks for them again: those of the scales of one training. */
const maxIdle = 8

const isSame = (known: Idle, model: Uint8Array, options: Options | undefined): boolean =>
  JSON.stringify(known.options) === JSON.stringify(options) &&
  known.model.length === model.length &&
  known.model.every((byte, i) => byte === model[i])
