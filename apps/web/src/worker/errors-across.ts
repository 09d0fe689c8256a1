import { transferHandlers } from 'comlink'

/** Import in a worker: what it throws keeps its code, subject and hint on the way to the page. */
const handler = transferHandlers.get('throw')!
transferHandlers.set('throw', {
  ...handler,
  serialize(thrown) {
    const { value } = thrown as { value: unknown }
    if (!(value instanceof Error)) return [{ isError: false, value }, []]
    const { message, name, stack } = value
    const { code, subject, hint } = value as { code?: string; subject?: string; hint?: string }
    return [{ isError: true, value: { message, name, stack, code, subject, hint } }, []]
  },
})
