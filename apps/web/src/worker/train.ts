import { CflowError } from '@cflow/base'
import { decodeImage } from '@cflow/detector'
import { transfer } from 'comlink'
import { openRuntime } from '@cflow/runtimes'
import { trainDetector, updateDetector, type Preview, type Progress } from '@cflow/trainer'
import { minImages } from '../train/limits.js'
import type { EngineOptions } from './detect.js'
import { gate, gated } from './gate.js'
import { rendered } from './rendered.js'
import { serve } from './serve.js'
import { speedOf } from './speed.js'
import { giveWasm } from './wasm.js'

export interface TrainingInput {
  readonly images: readonly { readonly name: string; readonly blob: Blob }[]
  readonly category: string
  readonly passes: number
  /** Where an earlier training of the same images was stopped. */
  readonly checkpoint?: Uint8Array
}

/** How a training is going; before the first stage of the library's, the images are checked. */
export type TrainingProgress = Omit<Progress, 'stage'> & {
  readonly stage: Progress['stage'] | 'check'
}

/** An image that cannot be read, by its place among those given. */
export interface Unreadable {
  readonly index: number
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string }
}

/** Images whose heat maps are shown while it trains. */
const previewed = 4

const running = gate()
const finishing = new AbortController()

const api = {
  rendered,
  /** Wait before the next step; everything stays in memory. */
  pause: running.close,
  resume: running.open,
  /** End soon with what was learned. */
  finish() {
    finishing.abort()
    running.open()
  },
  /** How quick an engine is here and now; it stays that of this worker. */
  async speed(engine: EngineOptions): Promise<number> {
    await giveWasm()
    return speedOf(await openRuntime(engine))
  },
  /** Take good images up into a detector. */
  async update(model: Blob, images: TrainingInput['images'], engine: EngineOptions) {
    await giveWasm()
    const result = await updateDetector({
      model: new Uint8Array(await model.arrayBuffer()),
      samples: images.map(({ name, blob }) => ({
        ...{ id: name, split: 'train', label: 'good', defect: 'good' },
        load: () => decodeImage(blob),
      })),
      runtime: await openRuntime(engine),
    })
    const updated = new Uint8Array(result.model)
    return transfer({ model: updated, manifest: result.manifest }, [updated.buffer])
  },
  async train(
    { images, category, passes, checkpoint }: TrainingInput,
    engine: EngineOptions,
    onProgress: (progress: TrainingProgress) => void,
    onUnreadable: (image: Unreadable) => void,
    onCheckpoint: (bytes: Uint8Array) => void,
    onPreview: (preview: Preview) => void,
  ) {
    const usable = await readable(images, onProgress, onUnreadable)
    await giveWasm()
    const runtime = gated(await openRuntime(engine), running)
    const fitted = await trainDetector(
      usable.map(({ name, blob }) => new File([blob], name)),
      {
        ...{ category, passes, runtime, onProgress },
        checkpoints: {
          read: async () => checkpoint,
          write: async (bytes) => onCheckpoint(bytes),
        },
        resume: checkpoint !== undefined,
        finish: finishing.signal,
        previews: {
          images: previewed,
          onPreview(preview) {
            // by their places among those given; the page is not waited for
            const seen = preview.images.map((image) => {
              return { ...image, index: images.indexOf(usable[image.index]!) }
            })
            const maps = seen.map(({ map }) => map.buffer)
            onPreview(transfer({ ...preview, images: seen }, maps))
          },
        },
      },
    )
    const model = new Uint8Array(fitted.model)
    const { manifest, seconds } = fitted
    return transfer({ model, manifest, seconds }, [model.buffer])
  },
}

/**
 * The images that can be read: one that cannot must not end a training.
 * @throws CflowError TOO_FEW_IMAGES
 */
async function readable(
  images: TrainingInput['images'],
  onProgress: (progress: TrainingProgress) => void,
  onUnreadable: (image: Unreadable) => void,
): Promise<TrainingInput['images']> {
  const usable: (typeof images)[number][] = []
  for (const [index, image] of images.entries()) {
    await running.passed()
    onProgress({ stage: 'check', done: index, total: images.length })
    try {
      await decodeImage(image.blob)
      usable.push(image)
    } catch (error) {
      if (!(error instanceof CflowError) || error.code !== 'IMAGE') throw error
      const { code, message, hint } = error
      onUnreadable({ index, error: { code, message, ...(hint !== undefined && { hint }) } })
    }
  }
  if (usable.length >= minImages) return usable
  throw new CflowError(
    'TOO_FEW_IMAGES',
    `only ${usable.length} of the ${images.length} images can be read, and ${minImages} are needed`,
    { hint: 'Those that cannot are marked: replace them.' },
  )
}

export type TrainWorker = typeof api
export type Trained = Awaited<ReturnType<TrainWorker['train']>>
serve(api)
