/** What a state is changed and watched through. */
export interface Store<S> {
  readonly state: S
  /** Replace the state by what is made of it; a change to the same state is none. */
  change(next: (state: S) => S): void
  /** Call with the state, now and after every change. */
  watch(watcher: (state: S, before: S | undefined) => void): void
}

export function createStore<S>(initial: S): Store<S> {
  let state = initial
  const watchers: ((state: S, before: S | undefined) => void)[] = []
  return {
    get state() {
      return state
    },
    change(next) {
      const before = state
      state = next(before)
      if (state === before) return
      // a watcher that changes it again calls all of them again: those that follow then see the latest twice
      for (const watcher of watchers) watcher(state, before)
    },
    watch(watcher) {
      watchers.push(watcher)
      watcher(state, undefined)
    },
  }
}
