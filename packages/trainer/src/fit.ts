import type { Tensor } from '@cflow/base'
import type { Head, Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { methodOf, type Epochs, type PassRecord, type TrainConfig } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { calibratedDetector } from './calibrate.js'
import {
  checkCheckpoint,
  checkpointWriter,
  decodeCheckpoint,
  type CheckpointStore,
} from './checkpoint.js'
import { featureCache } from './feature-cache.js'
import { calibrationSet, manifestDraft } from './manifest.js'
import { stageProgress, stopwatch, type OnProgress } from './progress.js'
import { inSessionScope } from './session-scope.js'
import { requireImages, splitHeldOut } from './split.js'

export interface FitOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  readonly category: string
  /** Method and settings, seed included (`resolveConfig`). */
  readonly config: TrainConfig
  /** For the input size of the configuration. */
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly checkpoints?: CheckpointStore
  /** Go on from the stored checkpoint, if there is one. */
  readonly resume?: boolean
  /** Stop after this many passes in all, as if interrupted there (the schedule stays that of all passes). */
  readonly stopAfter?: number
  readonly onProgress?: OnProgress
  /** Looks at the unfinished detector, for evaluation by epoch. */
  readonly epochs?: Epochs
  readonly signal?: AbortSignal
}

export interface FitResult {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  /** What was learned, as the second half of a detector. */
  readonly head: Head
  /** Empty for a method that does not learn in passes. */
  readonly history: readonly PassRecord[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/**
 * Train a detector on good images: read them once, learn by the method of the configuration, calibrate on held-out images,
 * and write the detector file.
 * @throws CflowError TOO_FEW_IMAGES, CHECKPOINT, IMAGE, USAGE (settings that make no detector for the encoder) and what
 *   the runtime throws
 */
export function fit(options: FitOptions): Promise<FitResult> {
  const hint = '30 to 300 images of good parts make a useful detector'
  requireImages(options.samples, 'train on', hint)
  return inSessionScope(options.runtime, (runtime) => fitWith(runtime, options))
}

async function fitWith(runtime: Runtime, options: FitOptions): Promise<FitResult> {
  const { samples, category, config, encoder, stopAfter, epochs, signal } = options
  const { seconds, timed } = stopwatch()
  const method = methodOf(config.method)
  const split = splitHeldOut(samples, config)
  const { training, heldOut } = split
  const extraction = method.prepare(config, encoder, training.length)
  const features = await featureCache(runtime, samples, encoder, extraction)

  const digest = await timed('read', () => {
    const report = stageProgress('read', samples.length, options)
    return digestOf(features.pixels(samples.keys()), report)
  })
  const stored = options.resume ? await options.checkpoints?.read() : undefined
  const resumed = stored && decodeCheckpoint(stored)
  if (resumed) checkCheckpoint(resumed, config, digest)
  const writer = options.checkpoints && checkpointWriter(options.checkpoints, { config, digest })

  /** Tensors that go into every checkpoint. */
  const kept = new Map<string, Tensor>()
  const { head, history, manifest } = await method
    .learn({
      ...{
        config,
        encoder,
        runtime,
        features,
        training,
        timed,
        resumed,
        stopAfter,
        epochs,
        signal,
      },
      progress: (stage, total, start) => stageProgress(stage, total, options, start),
      async once(name, work) {
        const prefix = `${name}.`
        const known = [...(resumed?.tensors ?? [])].filter(([key]) => key.startsWith(prefix))
        const tensors =
          known.length > 0
            ? Object.fromEntries(known.map(([key, t]) => [key.slice(prefix.length), t]))
            : await work()
        for (const [key, t] of Object.entries(tensors)) kept.set(prefix + key, t)
        return tensors
      },
      ...(writer && {
        save: ({ tensors, ...state }, last) =>
          timed('checkpoint', () =>
            writer.save({ ...state, tensors: new Map([...kept, ...tensors]) }, last),
          ),
      }),
    })
    .catch(async (error: unknown) => {
      // an interruption loses no pass that is over; what cannot be written then is not what went wrong
      await writer?.flush().catch(() => undefined)
      throw error
    })
  features.forget()

  const calibration = calibrationSet(samples, split, config.falsePositiveRate)
  const draft = manifestDraft(
    encoder,
    { head, ...(manifest && { manifest }) },
    {
      method: config.method,
      category,
      recipe: config.recipe,
      training: {
        seed: config.seed,
        images: training.length,
        heldOut: heldOut.length,
        passes: history?.length ?? 1,
        digest,
      },
    },
  )
  const detector = await timed('calibrate', () =>
    calibratedDetector(
      runtime,
      encoder,
      head,
      draft,
      calibration,
      features.pixels(calibration.indices),
      stageProgress('calibrate', calibration.indices.length, options),
    ),
  )
  return { ...detector, head, history: history ?? [], seconds }
}

/** SHA-256 as lower-case hexadecimal digits (Web Crypto: Node and secure pages). */
async function sha256(data: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Digest of a sequence of images: SHA-256 over the SHA-256 of each one's pixels, in order. */
async function digestOf(
  images: AsyncIterable<Uint8Array>,
  onImage: (done: number) => void,
): Promise<string> {
  const parts: string[] = []
  for await (const pixels of images) onImage(parts.push(await sha256(pixels)))
  return sha256(new TextEncoder().encode(parts.join('\n')))
}
