import type { Preview } from '@cflow/trainer'
import { proxy } from 'comlink'
import { engineOptions, threadsHere, type EngineId } from '../engine/engines.js'
import { handleOf } from '../worker/handle.js'
import { quicker } from './quicker.js'
import type { TrainWorker, TrainingInput, TrainingProgress, Unreadable } from '../worker/train.js'

/** A new worker that trains and renders. */
export const trainer = () =>
  handleOf<TrainWorker>(
    new Worker(new URL('../worker/train.ts', import.meta.url), { type: 'module', name: 'train' }),
  )

export type Job = ReturnType<typeof startJob>

type Handle = ReturnType<typeof trainer>

/** The quicker of the engines here and now, in a worker that is ready; the other is ended. */
async function provenTrainer(
  begun: (handle: Handle) => void,
): Promise<readonly [Handle, EngineId]> {
  const start = () => {
    const handle = trainer()
    begun(handle)
    return handle
  }
  if (threadsHere() < 2) return [start(), 'single']
  const timed = async (id: EngineId) => {
    const handle = start()
    return { handle, time: await handle.answered(handle.api.speed(engineOptions(id))) }
  }
  // one after the other, as they would be in each other's way
  const threads = await timed('threads')
  const single = await timed('single')
  const id = quicker(threads.time, single.time)
  const [taken, other] = id === 'threads' ? [threads, single] : [single, threads]
  other.handle.close()
  return [taken.handle, id]
}

/**
 * A training in a worker of its own.
 * @param onEngine told what it runs on
 */
export function startJob(
  input: TrainingInput,
  onEngine: (id: EngineId) => void,
  onProgress: (progress: TrainingProgress) => void,
  onUnreadable: (image: Unreadable) => void,
  onCheckpoint: () => void,
  onPreview: (preview: Preview) => void,
) {
  const handles: Handle[] = []
  let isPaused = false
  let isFinishing = false
  let isOver = false
  let checkpoint = input.checkpoint
  let running: Handle | undefined
  const train = async () => {
    const [handle, id] = await provenTrainer((started) => {
      handles.push(started)
      if (isOver) started.close()
    })
    running = handle
    onEngine(id)
    if (isFinishing) void handle.api.finish()
    else if (isPaused) void handle.api.pause()
    return handle.answered(
      handle.api.train(
        input,
        engineOptions(id),
        proxy(onProgress),
        proxy(onUnreadable),
        proxy((bytes: Uint8Array) => {
          checkpoint = bytes
          onCheckpoint()
        }),
        proxy(onPreview),
      ),
    )
  }
  const end = () => {
    isOver = true
    for (const handle of handles) handle.close()
  }
  const result = train()
  // a worker that is over frees its memory
  void result.then(end, end)
  return {
    result,
    /** Stop before the next step, and keep everything in memory. */
    pause() {
      isPaused = true
      void running?.api.pause()
    },
    resume() {
      isPaused = false
      void running?.api.resume()
    },
    /** Go on no longer than it takes to have a detector of what was learned. */
    finish() {
      isPaused = false
      isFinishing = true
      void running?.api.finish()
    },
    /** End it and free its memory. */
    discard: end,
    /** What an interrupted training can go on from; undefined before the first pass is over. */
    get checkpoint() {
      return checkpoint
    },
  }
}
