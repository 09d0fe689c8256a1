/** Milliseconds of one call: the median after a warm-up, over as many calls as fit in the time, three at least. */
export async function medianTime(
  work: () => Promise<unknown>,
  options: { readonly seconds: number; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  await work()
  const times: number[] = []
  const until = performance.now() + options.seconds * 1000
  while (times.length < 3 || (performance.now() < until && times.length < 50)) {
    options.signal?.throwIfAborted()
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] as number
}
