import { Random } from '@cflow/base'
import { conditionSize, initialiseFlow } from '@cflow/core'
import type { FlowConfig, Manifest, ScaleFlow, Whitening } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { calibratedDetector } from './calibrate.js'
import { calibrationSet } from './calibration.js'
import { checkCheckpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js'
import type { Checkpoint, CheckpointStore } from './checkpoint.js'
import type { TrainConfig } from './config.js'
import { digestOf } from './digest.js'
import { featureExtractor } from './encoding.js'
import type { EncoderModel } from './encoding.js'
import type { PassRecord } from './evaluation.js'
import { counted, requireImages } from './good-images.js'
import { splitHeldOut } from './held-out.js'
import type { Split } from './held-out.js'
import { trainingImages } from './images.js'
import { manifestHead } from './manifest-head.js'
import { ownedRuntime } from './owned.js'
import { chunkPlan, runPass } from './passes.js'
import { now, stageProgress } from './progress.js'
import type { OnProgress } from './progress.js'
import { scaleTrainer } from './scale.js'
import type { ScaleTrainer } from './scale.js'
import { stopwatch } from './stopwatch.js'
import { estimateWhitening, whitener } from './whiten.js'

/** Milliseconds between two checkpoints at least. */
const checkpointInterval = 10_000

export interface FitOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  readonly category: string
  readonly config: TrainConfig
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly checkpoints?: CheckpointStore
  /** Go on from the stored checkpoint, if there is one. */
  readonly resume?: boolean
  /** Stop after this many passes in all, as if interrupted there (the schedule stays that of all passes). */
  readonly stopAfter?: number
  readonly onProgress?: OnProgress
  /**
   * Called after every `every`-th pass and after the last one with the flows as they are then, and waited for: for
   * evaluation by epoch. A resumed training calls it for its own passes only, and for the last one before the
   * interruption if `seen` says that it was not called for that.
   */
  readonly epochs?: {
    readonly every: number
    readonly seen?: (pass: number) => boolean
    readonly onEpoch: (pass: number, flows: readonly ScaleFlow[]) => Promise<void>
  }
  readonly signal?: AbortSignal
}

export interface FitResult {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  readonly flows: readonly ScaleFlow[]
  readonly history: readonly PassRecord[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/**
 * Train a detector on good images: whiten (recipe `whitened`), train the flow of every scale (section 4.2), calibrate on
 * held-out images, and write the detector file.
 * @throws CflowError TOO_FEW_IMAGES, CHECKPOINT, IMAGE and what the runtime throws
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const runtime = ownedRuntime(options.runtime)
  try {
    return await fitWith({ ...options, runtime })
  } finally {
    await runtime.releaseAll()
  }
}

async function fitWith(options: FitOptions): Promise<FitResult> {
  const { samples, config, encoder: model, runtime, epochs } = options
  requireImages(samples)
  const { seconds, timed } = stopwatch()
  const extractor = await featureExtractor(runtime, model)
  const featureLength = model.scales.reduce((n, s) => n + s.depth * s.height * s.width, 0)
  const images = trainingImages(samples, extractor, {
    rotation: config.rotation,
    inputSize: config.inputSize,
    featureLength,
  })
  const all = samples.map((_, i) => i)
  const split = splitHeldOut(samples, config)
  const { training } = split

  const digest = await timed('read', () => {
    const report = stageProgress('read', samples.length, options)
    return digestOf(counted(images.pixels(all), report))
  })

  const stored = options.resume ? await options.checkpoints?.read() : undefined
  const checkpoint = stored && decodeCheckpoint(stored)
  if (checkpoint) checkCheckpoint(checkpoint, config, digest)

  let whitenings: readonly Whitening[] = []
  let release = async () => {}
  if (config.recipe === 'whitened') {
    whitenings =
      checkpoint?.whitenings ??
      (await timed('encode', () =>
        estimateWhitening(
          runtime,
          model.scales,
          images,
          training,
          config.shrinkage,
          stageProgress('encode', training.length, options),
        ),
      ))
    const white = await whitener(runtime, whitenings)
    await timed('whiten', () => images.transform((f) => white.apply(f)))
    release = white.release
  }

  const flows = model.scales.map((s, k): ScaleFlow => {
    const flowConfig: FlowConfig = {
      depth: s.depth,
      condition: config.conditional ? conditionSize : 0,
      couplingLayers: config.couplingLayers,
      permutation: config.permutation,
      clamp: config.clamp,
    }
    const start = config.recipe === 'whitened' ? 'identity' : 'random'
    const parameters = initialiseFlow(flowConfig, Random.seeded(config.seed, `flow ${k}`), start)
    const whitening = whitenings[k]
    return { config: flowConfig, parameters, ...(whitening && { whitening }) }
  })
  const plan = chunkPlan(config, training.length, images.cached, model.scales)
  const trainers: ScaleTrainer[] = []
  for (const [k, flow] of flows.entries())
    trainers.push(
      await scaleTrainer(
        runtime,
        model.scales[k] as EncoderModel['scales'][number],
        flow.config,
        flow.parameters,
        plan.shapes[k] as (typeof plan.shapes)[number],
        config.loss,
        checkpoint?.scales[k],
      ),
    )

  const current = (): Promise<ScaleFlow[]> =>
    Promise.all(
      trainers.map(async (t, k) => ({
        ...(flows[k] as ScaleFlow),
        parameters: await t.parameters(),
      })),
    )

  const history: PassRecord[] = [...(checkpoint?.history ?? [])]
  const first = checkpoint?.passes ?? 0
  const last = Math.min(config.passes, options.stopAfter ?? config.passes)
  const report = stageProgress('train', last, options, first)
  const { checkpoints } = options
  const write = (state: Checkpoint) =>
    timed('checkpoint', async () => checkpoints?.write(encodeCheckpoint(state)))
  let saved = now()
  /** The state after the last pass, while it is not written. */
  let unsaved: Checkpoint | undefined
  const look = async (pass: number): Promise<void> => {
    if (epochs && (pass % epochs.every === 0 || pass === last))
      await timed('epochs', async () => epochs.onEpoch(pass, await current()))
  }
  try {
    if (first > 0 && epochs?.seen?.(first) === false) await look(first)
    for (let pass = first; pass < last; pass++) {
      const began = now()
      let reported = 0
      const result = await timed('train', () =>
        runPass(
          {
            config,
            scales: model.scales,
            trainers,
            images,
            indices: training,
            plan,
            signal: options.signal,
            onStep(share, losses) {
              if (now() - reported < 250) return
              reported = now()
              report(pass + share, losses)
            },
          },
          pass,
        ),
      )
      history.push({ pass: pass + 1, ...result, seconds: (now() - began) / 1000 })
      if (checkpoints)
        unsaved = {
          config,
          digest,
          passes: pass + 1,
          scales: await Promise.all(trainers.map((t) => t.state())),
          whitenings,
          history: [...history],
        }
      if (unsaved && (pass + 1 === last || now() - saved > checkpointInterval)) {
        await write(unsaved)
        unsaved = undefined
        saved = now()
      }
      report(pass + 1, result.losses)
      await look(pass + 1)
    }
  } catch (error) {
    // an interruption loses no pass that is over; what cannot be written then is not what went wrong
    if (unsaved) await write(unsaved).catch(() => undefined)
    throw error
  }
  const trained = await current()
  for (const t of trainers) await t.release()
  await release()
  images.forget()

  const calibration = calibrationSet(samples, split, config)
  const result = await timed('calibrate', () =>
    calibratedDetector(
      runtime,
      model,
      trained,
      draftOf(options, flows, digest, split, last),
      calibration,
      () => images.pixels(calibration.indices),
      stageProgress('calibrate', calibration.indices.length, options),
    ),
  )
  return { ...result, flows: trained, history, seconds }
}

function draftOf(
  options: FitOptions,
  flows: readonly ScaleFlow[],
  digest: string,
  { training, heldOut }: Split,
  passes: number,
): Omit<Manifest, 'scales' | 'calibration'> {
  const { config, encoder } = options
  return {
    ...manifestHead(encoder),
    method: 'cflow',
    category: options.category,
    recipe: config.recipe,
    flows: flows.map((f) => f.config),
    aggregation: config.aggregation,
    training: {
      seed: config.seed,
      images: training.length,
      heldOut: heldOut.length,
      passes,
      digest,
    },
  }
}
