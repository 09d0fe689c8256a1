import { headOutputs, writeHead } from '@cflow/methods'
import { encode, imageInput } from '@cflow/core'
import type { Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { calibrationOf, calibrationSet } from '../calibration.js'
import { digestOf } from '../digest.js'
import { featureExtractor } from '../encoding.js'
import type { EncoderModel } from '../encoding.js'
import type { PassRecord } from '../evaluation.js'
import { counted, requireImages } from '../good-images.js'
import { splitHeldOut } from '../held-out.js'
import type { Split } from '../held-out.js'
import { trainingImages } from '../images.js'
import type { TrainingImages } from '../images.js'
import { manifestHead } from '../manifest-head.js'
import { ownedRuntime } from '../owned.js'
import { stageProgress } from '../progress.js'
import type { OnProgress } from '../progress.js'
import { fileScorer } from './scorer.js'
import type { Scorer } from './scorer.js'
import { stopwatch } from '../stopwatch.js'
import type { Stopwatch } from '../stopwatch.js'
import type { BaselineConfig, SpadeConfig } from './config.js'
import { fileMethod } from './methods.js'
import type { FileConfig } from './methods.js'
import { spade, spadeView } from './spade.js'

export interface BaselineOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  readonly category: string
  /** Method and settings, seed included (`resolveBaseline`). */
  readonly config: BaselineConfig
  /** For the input size of the configuration. */
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

interface Fitted {
  readonly manifest: Manifest
  /** Size of the detector file; of SPADE, of the encoder and the gallery that a file would have to hold. */
  readonly bytes: number
  readonly history: readonly PassRecord[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/** A detector file, or for SPADE a detector in this process, to be released by the caller. */
export type BaselineResult = Fitted &
  (
    | { readonly model: Uint8Array; readonly scorer?: undefined }
    | { readonly model?: undefined; readonly scorer: Scorer }
  )

/** What the methods share: images, and how they are split. */
interface Setting {
  readonly options: BaselineOptions
  readonly clock: Stopwatch
  readonly split: Split
}

/**
 * Train a baseline on good images under the protocol of `fit`: the same images are held out, its thresholds come from
 * them in the same way, and `evaluate` takes what comes of it (`model ?? scorer`).
 * @throws CflowError TOO_FEW_IMAGES, IMAGE, USAGE (settings that make no detector for the encoder) and what the runtime
 *   throws
 */
export async function fitBaseline(options: BaselineOptions): Promise<BaselineResult> {
  const { samples, config } = options
  requireImages(samples)
  const runtime = ownedRuntime(options.runtime)
  const setting = {
    options: { ...options, runtime },
    clock: stopwatch(),
    split: splitHeldOut(samples, config),
  }
  let kept = false // the sessions of SPADE’s scorer
  try {
    if (config.method !== 'spade') return await fitFile(setting, config)
    const fitted = await fitSpade(setting, config)
    kept = true
    return fitted
  } finally {
    if (!kept) await runtime.releaseAll()
  }
}

async function fitFile(setting: Setting, config: FileConfig): Promise<BaselineResult> {
  const { options, clock, split } = setting
  const { training } = split
  const { encoder: model, runtime, samples, onProgress, signal } = options
  const method = fileMethod(config)
  method.check(config, model)
  const extractor = await featureExtractor(runtime, model, method.view(config, model))
  const images = trainingImages(samples, extractor, {
    rotation: method.rotation(config),
    inputSize: config.inputSize,
    featureLength: method.featureLength(model),
  })
  const digest = await readAll(setting, images)
  const job = { config, model, runtime, images, training, clock, onProgress, signal }
  const { head, settings, history } = await method.learn(job)
  const levels = method.levels(config)
  const { encoder } = model
  const scorer = await fileScorer(
    runtime,
    writeOnnx(headOutputs(encoder, levels, head, config.inputSize)),
  )
  const manifest = await manifestOf(setting, { digest, settings, history, scorer, images })
  const file = writeHead(encoder, levels, head, manifest)
  return { model: file, manifest, bytes: file.length, history, seconds: clock.seconds }
}

async function fitSpade(setting: Setting, config: SpadeConfig): Promise<BaselineResult> {
  const { options, clock, split } = setting
  const { training } = split
  const { encoder: model, runtime, samples, onProgress, signal } = options
  const extractor = await featureExtractor(runtime, model, spadeView)
  const { inputSize } = config
  // the gallery keeps the features itself
  const kept = { rotation: 0, inputSize, featureLength: Infinity }
  const images = trainingImages(samples, extractor, kept)
  const digest = await readAll(setting, images)
  const job = { config, model, runtime, images, training, clock, onProgress, signal }
  const scorer = await spade(job, extractor)
  const settings = { neighbours: config.neighbours }
  const manifest = await manifestOf(setting, { digest, settings, history: [], scorer, images })
  const taps = encode(imageInput(), model.encoder, inputSize)
  const encoderBytes = writeOnnx(Object.fromEntries(taps.map((tap, k) => [`tap${k}`, tap]))).length
  const bytes = encoderBytes + scorer.galleryBytes
  return { scorer, manifest, bytes, history: [], seconds: clock.seconds }
}

/** Read every image once, and give the digest of their pixels. */
function readAll({ options, clock }: Setting, images: TrainingImages): Promise<string> {
  const { samples } = options
  return clock.timed('read', () => {
    const report = stageProgress('read', samples.length, options)
    return digestOf(counted(images.pixels(samples.keys()), report))
  })
}

/** Calibrate on the held-out images, or on the training images where none are held out. */
async function manifestOf(
  { options, clock, split }: Setting,
  learned: {
    readonly digest: string
    readonly settings: NonNullable<Manifest['settings']>
    readonly history: readonly PassRecord[]
    readonly scorer: Scorer
    readonly images: TrainingImages
  },
): Promise<Manifest> {
  const { samples, config, encoder } = options
  const { training, heldOut } = split
  const { digest, settings, history, scorer, images } = learned
  const set = calibrationSet(samples, split, config)
  const size = config.inputSize
  const scores: number[] = []
  await clock.timed('calibrate', async () => {
    const report = stageProgress('calibrate', set.indices.length, options)
    for await (const data of images.pixels(set.indices)) {
      const { score } = await scorer.score({ width: size, height: size, data })
      report(scores.push(score))
    }
  })
  return {
    ...manifestHead(encoder),
    method: config.method,
    settings,
    category: options.category,
    recipe: 'baseline',
    flows: [],
    aggregation: 'joint',
    scales: [],
    calibration: calibrationOf(scores, set),
    training: {
      seed: config.seed,
      images: training.length,
      heldOut: heldOut.length,
      passes: history.length > 0 ? history.length : 1,
      digest,
    },
  }
}
