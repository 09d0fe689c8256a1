import type { Store } from './store.js'

/**
 * Do what there is to do, one after the other, whenever the state has something; what is next is asked anew after each.
 * @param next what is to be done in a state; undefined where nothing is
 * @param work never rejects; what was done is not next again
 */
export function oneByOne<S, T>(
  store: Store<S>,
  next: (state: S) => T | undefined,
  work: (task: T, state: S) => Promise<void>,
): void {
  let busy = false
  store.watch((state) => {
    if (busy || next(state) === undefined) return
    busy = true
    void (async () => {
      for (let task = next(store.state); task !== undefined; task = next(store.state))
        await work(task, store.state)
      busy = false
    })()
  })
}
