import { proxy } from 'comlink'
import { engineOptions, threadsHere } from '../engine/engines.js'
import { handleOf } from '../worker/handle.js'
import type { TrainWorker, TrainingInput, TrainingProgress, Unreadable } from '../worker/train.js'

/** A new worker that trains and renders. */
export const trainer = () =>
  handleOf<TrainWorker>(
    new Worker(new URL('../worker/train.ts', import.meta.url), { type: 'module', name: 'train' }),
  )

export type Job = ReturnType<typeof startJob>

/** A training in a worker of its own. */
export function startJob(
  input: TrainingInput,
  onProgress: (progress: TrainingProgress) => void,
  onUnreadable: (image: Unreadable) => void,
  onCheckpoint: () => void,
) {
  const handle = trainer()
  let checkpoint = input.checkpoint
  const result = handle.answered(
    handle.api.train(
      input,
      engineOptions(threadsHere() > 1 ? 'threads' : 'single'),
      proxy(onProgress),
      proxy(onUnreadable),
      proxy((bytes: Uint8Array) => {
        checkpoint = bytes
        onCheckpoint()
      }),
    ),
  )
  // a worker that is over frees its memory
  void result.then(handle.close, handle.close)
  return {
    result,
    /** Stop before the next step, and keep everything in memory. */
    pause: () => void handle.api.pause(),
    resume: () => void handle.api.resume(),
    /** End it and free its memory. */
    discard: handle.close,
    /** What an interrupted training can go on from; undefined before the first pass is over. */
    get checkpoint() {
      return checkpoint
    },
  }
}
