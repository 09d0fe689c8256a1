import { forgetTraining, keepTraining, keptTraining, type KeptTraining } from '../kept.js'
import type { State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { showMessage } from '../ui/messages.js'

/** What is kept of a training beside the state. */
type Rest = () => Pick<KeptTraining, 'name' | 'passes' | 'checkpoint'>

const lock = 'cflow-training'

/** Whether this tab may keep its training: one at a time does, until it is closed. */
const mayKeep = (): Promise<boolean> =>
  new Promise((resolve) => {
    const locks = (navigator as { locks?: LockManager }).locks
    if (!locks) return resolve(true)
    const held = locks.request(lock, { ifAvailable: true }, (got) => {
      resolve(got !== null)
      return got ? new Promise<never>(() => {}) : undefined
    })
    held.catch(() => resolve(true))
  })

/**
 * Keep the training of this page while it changes, so that a reload or a crash does not lose it.
 * @param restore takes what an earlier page left
 */
export function keepingTraining(
  store: Store<State>,
  rest: Rest,
  restore: (kept: KeptTraining) => void,
): { readonly changed: () => void } {
  let isOurs = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let hasTold = false
  const write = async () => {
    const { images, tests, phase } = store.state.training
    if (images.length === 0) return forgetTraining()
    await keepTraining({
      ...rest(),
      tests,
      images: images.map(({ name, blob, of, truth }) => ({
        ...{ name, blob },
        ...(of !== undefined && { of }),
        ...(truth !== undefined && { truth }),
      })),
      isRunning: phase === 'running',
    })
  }
  const changed = (): void => {
    if (!isOurs) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      write().catch((error: unknown) => {
        console.warn(error)
        if (hasTold) return
        hasTold = true
        showMessage(
          'The training cannot be kept in this browser',
          'It goes on, but loading the page again would lose it.',
        )
      })
    }, 200)
  }
  const begin = async () => {
    if (!(await mayKeep())) return
    const kept = await keptTraining()
    isOurs = true
    const isEmpty = store.state.training.images.length === 0
    if (kept && kept.images.length > 0 && isEmpty && store.state.training.phase === 'idle')
      restore(kept)
    else changed()
  }
  begin().catch(console.warn)
  store.watch(({ training }, before) => {
    if (before && before.training !== training) changed()
  })
  return { changed }
}
