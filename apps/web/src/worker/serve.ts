import { expose, transferHandlers } from 'comlink'

/** Offer a worker's functions to the page; what they throw keeps its code, subject and hint on the way. */
export function serve(api: object): void {
  transferHandlers.set('throw', {
    ...transferHandlers.get('throw')!,
    serialize(thrown) {
      const { value } = thrown as { value: unknown }
      if (!(value instanceof Error)) return [{ isError: false, value }, []]
      const { message, name, stack } = value
      const { code, subject, hint } = value as { code?: string; subject?: string; hint?: string }
      return [{ isError: true, value: { message, name, stack, code, subject, hint } }, []]
    },
  })
  expose(api)
}
