import { now } from './progress.js'

/** Adds up the seconds of stages, by name. */
export interface Stopwatch {
  readonly seconds: Readonly<Record<string, number>>
  timed<T>(stage: string, work: () => Promise<T>): Promise<T>
}

export function stopwatch(): Stopwatch {
  const seconds: Record<string, number> = {}
  return {
    seconds,
    async timed(stage, work) {
      const began = now()
      try {
        return await work()
      } finally {
        seconds[stage] = (seconds[stage] ?? 0) + (now() - began) / 1000
      }
    },
  }
}
