import type { AnyAbortSignal } from '@cflow/base'
export type Stage =
  | 'tune'
  | 'decode'
  | 'read'
  | 'suspicious'
  | 'encode'
  | 'whiten'
  | 'select'
  | 'folds'
  | 'train'
  | 'calibrate'
  | 'evaluate'

/** How far a job is. */
export interface Progress {
  readonly stage: Stage
  readonly done: number
  readonly total: number
  /** Mean loss of the current pass per scale, while training. */
  readonly losses?: readonly number[]
  /** Items or feature vectors per second. */
  readonly rate?: number
  /** Seconds left of the stage, estimated. */
  readonly secondsLeft?: number
}

export type OnProgress = (progress: Progress) => void

/** Milliseconds of a monotonic clock. */
export const now = (): number => performance.now()

/** Who watches a job, and may stop it. */
export interface Watch {
  readonly onProgress?: OnProgress | undefined
  readonly signal?: AnyAbortSignal | undefined
}

/** Reports progress of one stage, with rate and time left from a start; a report is also where an abort ends the job. */
export function stageProgress(
  stage: Stage,
  total: number,
  { onProgress, signal }: Watch,
  start = 0,
): (done: number, losses?: readonly number[]) => void {
  const began = now()
  return (done, losses) => {
    signal?.throwIfAborted()
    if (!onProgress) return
    const seconds = (now() - began) / 1000
    const rate = seconds > 0 ? (done - start) / seconds : 0
    onProgress({
      stage,
      done,
      total,
      ...(losses && { losses }),
      ...(rate > 0 && { rate, secondsLeft: (total - done) / rate }),
    })
  }
}

/** Adds up the seconds of stages, by name. */
export function stopwatch() {
  const seconds: Record<string, number> = {}
  return {
    seconds: seconds as Readonly<Record<string, number>>,
    async timed<T>(stage: string, work: () => Promise<T>): Promise<T> {
      const began = now()
      try {
        return await work()
      } finally {
        seconds[stage] = (seconds[stage] ?? 0) + (now() - began) / 1000
      }
    },
  }
}
