import type { Runtime } from '@cflow/runtimes'

/** Open, or closed until it is opened again; `passed` resolves when it is open. */
export function gate() {
  let opened = Promise.resolve()
  let open = () => {}
  return {
    open: () => open(),
    close() {
      open()
      opened = new Promise((resolve) => (open = resolve))
    },
    passed: () => opened,
  }
}

/** A runtime whose runs wait while a gate is closed: whatever uses it stops, and goes on without having lost anything. */
export function gated(runtime: Runtime, { passed }: ReturnType<typeof gate>): Runtime {
  return {
    ...runtime,
    async createSession(model, options) {
      const session = await runtime.createSession(model, options)
      return {
        ...session,
        async run(feeds, outputs) {
          await passed()
          return session.run(feeds, outputs)
        },
      }
    },
  }
}
