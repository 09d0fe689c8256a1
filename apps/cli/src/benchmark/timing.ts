/** Milliseconds of repeated runs. */
export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** Nearest-rank percentiles. */
export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] as number
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** Milliseconds of each of `repeats` runs, after some that do not count. */
export async function timed(
  repeats: number,
  work: (i: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<number[]> {
  const times: number[] = []
  const warmUp = Math.min(3, repeats)
  for (let i = -warmUp; i < repeats; i++) {
    signal.throwIfAborted()
    const began = performance.now()
    await work(Math.max(i, 0))
    if (i >= 0) times.push(performance.now() - began)
  }
  return times
}
