/**
 * Work on items ahead of the one that is needed, at most `ahead` at a time, and give the results in order. A failure is
 * thrown when its turn comes.
 */
export async function* ordered<T, R>(
  items: Iterable<T>,
  work: (item: T, index: number) => Promise<R>,
  ahead = 4,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = []
  let index = 0
  for (const item of items) {
    const p = work(item, index++)
    p.catch(() => undefined) // reported when its turn comes
    pending.push(p)
    if (pending.length >= ahead) yield await (pending.shift() as Promise<R>)
  }
  for (const p of pending) yield await p
}
