import { transfer } from 'comlink'
import { openRuntime } from '@cflow/runtimes'
import { trainDetector, type Progress } from '@cflow/trainer'
import type { EngineOptions } from './detect.js'
import { gate, gated } from './gate.js'
import { rendered } from './rendered.js'
import { serve } from './serve.js'

export interface TrainingInput {
  readonly images: readonly { readonly name: string; readonly blob: Blob }[]
  readonly category: string
  readonly passes: number
  /** Where an earlier training of the same images was stopped. */
  readonly checkpoint?: Uint8Array
}

const running = gate()

const api = {
  rendered,
  /** Wait before the next step; everything stays in memory. */
  pause: running.close,
  resume: running.open,
  async train(
    { images, category, passes, checkpoint }: TrainingInput,
    engine: EngineOptions,
    onProgress: (progress: Progress) => void,
    onCheckpoint: (bytes: Uint8Array) => void,
  ) {
    const runtime = gated(await openRuntime(engine), running)
    const fitted = await trainDetector(
      images.map(({ name, blob }) => new File([blob], name)),
      {
        ...{ category, passes, runtime, onProgress },
        checkpoints: {
          read: async () => checkpoint,
          write: async (bytes) => onCheckpoint(bytes),
        },
        resume: checkpoint !== undefined,
      },
    )
    const model = new Uint8Array(fitted.model)
    const { manifest, seconds } = fitted
    return transfer({ model, manifest, seconds }, [model.buffer])
  },
}

export type TrainWorker = typeof api
export type Trained = Awaited<ReturnType<TrainWorker['train']>>
serve(api)
