import { proxy } from 'comlink'
import type { Progress } from '@cflow/trainer'
import { engineOptions, threadsHere } from '../engine/engines.js'
import { answered, handleOf } from '../worker/handle.js'
import type { Handle } from '../worker/handle.js'
import type { TrainWorker, Trained, TrainingInput } from '../worker/train.js'

/** A new worker that trains and renders. */
export const trainer = (): Handle<TrainWorker> =>
  handleOf<TrainWorker>(
    new Worker(new URL('../worker/train.ts', import.meta.url), { type: 'module', name: 'train' }),
  )

/** A training in a worker of its own. */
export interface Job {
  readonly result: Promise<Trained>
  /** Stop before the next step, and keep everything in memory. */
  pause(): void
  resume(): void
  /** End it and free its memory. */
  discard(): void
  /** What an interrupted training can go on from; undefined before the first pass is over. */
  readonly checkpoint: Uint8Array | undefined
}

export function startJob(input: TrainingInput, onProgress: (progress: Progress) => void): Job {
  const handle = trainer()
  let checkpoint = input.checkpoint
  const result = answered(
    handle,
    handle.api.train(
      input,
      engineOptions(threadsHere() > 1 ? 'threads' : 'single'),
      proxy(onProgress),
      proxy((bytes: Uint8Array) => {
        checkpoint = bytes
      }),
    ),
  )
  // a worker that is over frees its memory
  void result.then(handle.close, handle.close)
  return {
    result,
    pause: () => void handle.api.pause(),
    resume: () => void handle.api.resume(),
    discard: handle.close,
    get checkpoint() {
      return checkpoint
    },
  }
}
