import type { AnyAbortSignal } from '@cflow/base'
import type { Head, Manifest } from '@cflow/core'
import { mixtureWarnings, type Sample } from '@cflow/datasets'
import { nearCopiesOf } from '@cflow/detector'
import type { EncoderModel } from '@cflow/encoders'
import {
  methodOf,
  type Epochs,
  type Learned,
  type PassRecord,
  type TrainConfig,
} from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { areIndependent, calibratedDetector, evidenceOf } from './calibrate.js'
import { checkpointing, type CheckpointStore } from './checkpoint.js'
import { featureCache, pixelCache, resizedPixels } from './feature-cache.js'
import { areFrames, dependent, nearCopies, standTogether } from './near-copies.js'
import { checkPreviews, previewing, type Previews } from './previews.js'
import { stageProgress, stopwatch, type OnProgress } from './progress.js'
import { inSessionScope, reusingSessions } from './session-scope.js'
import { foldsIn, foundIn, imagesIn, judgedInFolds, passesOf } from './folds.js'
import { suspects, type Suspicion } from './suspicious.js'
import { calibrationPlan, evenly, requireImages, splitValidation } from './split.js'

/** Images that are calibrated with at most, evenly spread: more say nothing new, and their evidence is in memory. */
const maxCalibrationImages = 4096

const hint = '30 to 300 images of good parts make a useful detector'

/** Training images whose digests are kept in the detector file at most: 20 bytes each. */
const maxDigests = 20_000

export interface FitOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  /**
   * A handful of defective images. Nothing is learned from them: the threshold is placed between good images and them
   * (`placedThreshold`), and how many of them it finds is recorded.
   */
  readonly knownDefects?: readonly Sample[]
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
  /** Is shown how it learns, where the method learns in passes. The detector is the same with it and without. */
  readonly previews?: Previews
  /** What the manifest says beside the method's own settings, such as how these were chosen. */
  readonly notes?: NonNullable<Manifest['settings']>
  readonly signal?: AnyAbortSignal
  /**
   * When aborted, the training ends with what was learned: after the pass under way, or, of a detector that is calibrated in
   * folds, once the fold under way is judged (two at least), by the images of the folds so far. The threshold is as
   * true as ever; of fewer images it is less sure.
   */
  readonly finish?: AnyAbortSignal
}

export interface FitResult {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  /** What was learned, as the second half of a detector. */
  readonly head: Head
  /** Empty for a method that does not learn in passes. */
  readonly history: readonly PassRecord[]
  /** Images that were left out (`dropSuspicious`), the worst first. */
  readonly dropped: readonly Suspicion[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
  /** The images that set the threshold, in the order of the samples. */
  readonly calibration: readonly CalibrationScore[]
  /** Scores of the known defects, in their order. */
  readonly defectScores: readonly number[]
  /** What is to be said of the images, a sentence each: that some are of another size, grey among colour, or near copies. */
  readonly remarks: readonly string[]
}

/** A good image that a detector was calibrated with. */
export interface CalibrationScore {
  /** In the list of samples. */
  readonly index: number
  readonly id: string
  /** By this detector, or in folds by one that was trained without it. */
  readonly score: number
}

/**
 * Train a detector on good images: read them once, learn by the method of the configuration, calibrate on held-out images,
 * and write the detector file.
 * @throws CflowError TOO_FEW_IMAGES, CHECKPOINT, IMAGE, USAGE (settings that make no detector for the encoder) and what
 *   the runtime throws
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  requireImages(options.samples, 'train on', hint)
  if (options.previews) checkPreviews(options.previews)
  return inSessionScope(options.runtime, (runtime) => fitWith(runtime, options))
}

async function fitWith(runtime: Runtime, given: FitOptions): Promise<FitResult> {
  const { category, config, checkpoints, resume = false } = given
  const { stopAfter, signal, finish, notes } = given
  const { seconds, timed } = stopwatch()
  const { dropSuspicious: rate } = config
  const method = methodOf(config.method)
  // what makes no detector with any images is refused before they are read
  method.prepare(config, given.encoder, leastTraining(given.samples, config))
  const suspicious = () => suspects({ ...given, runtime, rate })
  const dropped = rate > 0 ? await timed('suspicious', suspicious) : []
  const bad = new Set(dropped.map(({ index }) => index))
  const samples = given.samples.filter((_, i) => !bad.has(i))
  requireImages(samples, 'train on once those that stand out are left out', hint)
  const options = { ...given, samples }
  const aboutSample = (sample: Sample) => ({ index: given.samples.indexOf(sample), id: sample.id })
  const square = { inputSize: options.encoder.inputSize, resize: config.resize }
  const pixels = await pixelCache(runtime, samples, square)
  const facts = await timed('read', () => pixels.read(stageProgress('read', samples.length, options))) // prettier-ignore
  const { digest } = facts
  const found = areFrames(samples)
    ? undefined
    : await timed('compare', () => nearCopies(runtime, facts))
  const copies = found && found.images > 0 ? found : undefined
  const parts = standTogether(samples, copies)
  const plan = calibrationPlan(parts, config, { copies: copies !== undefined })
  const heldOut = plan.source === 'folds' ? [] : plan.heldOut
  const others = plan.source === 'folds' ? [...samples.keys()] : plan.training
  // whoever learns in passes may stop by the images that were kept out
  const inPasses = 'passes' in config && plan.source === 'held-out'
  const { training, validation } = inPasses
    ? splitValidation(others, copies?.groups)
    : { training: others, validation: [] }
  const extraction = method.prepare(config, options.encoder, training.length)
  const { encoder = options.encoder } = extraction
  const features = await featureCache(runtime, pixels, encoder, extraction)
  const { flush, save, ...state } = await checkpointing(checkpoints, resume, { config, digest })
  const judges =
    plan.source === 'folds'
      ? await timed('folds', () =>
          state.once('folds', () =>
            reusingSessions(runtime, (reusing) =>
              judgedInFolds(reusing, method, { ...options, encoder }, pixels, features, plan.folds),
            ),
          ),
        )
      : undefined
  const shown =
    given.previews &&
    previewing(given.previews, {
      ...{ runtime, pixels, signal, once: state.once },
      ...(heldOut.length > 0
        ? { source: 'held-out', of: heldOut }
        : { source: 'training', of: training }),
      about: (i) => aboutSample(samples[i] as Sample),
    })
  const epochs = [given.epochs, shown].filter((who) => who !== undefined)
  const learned = await method
    .learn({
      ...{ config, encoder, runtime, features, training, validation, timed, stopAfter, epochs, signal, finish }, // prettier-ignore
      ...state,
      ...(judges && { passesOf: passesOf(judges) }),
      progress: (stage, total, start) => stageProgress(stage, total, options, start),
      ...(save && { save: (...passed) => timed('checkpoint', () => save(...passed)) }),
    })
    .catch(async (error: unknown) => {
      // an interruption loses no pass that is over; what cannot be written then is not what went wrong
      await flush().catch(() => undefined)
      throw error
    })
  features.forget()

  const images = judges
    ? imagesIn(judges, plan.source === 'folds' ? plan.folds : [])
    : evenly(heldOut.length > 0 ? heldOut : training, maxCalibrationImages)
  const { knownDefects = [] } = options
  const { history, kept } = learned
  const counts = {
    images: others.length,
    heldOut: heldOut.length,
    passes: history?.length ?? 1,
    ...(kept && { kept: [...kept] }),
    ...(dropped.length > 0 && { dropped: dropped.length }),
    ...(copies && { copies: { images: copies.images, distinct: copies.distinct } }),
    ...(facts.digests.length <= maxDigests && { digests: [...facts.digests] }),
  }
  const detector = await timed('calibrate', async () => {
    const report = stageProgress('calibrate', images.length + knownDefects.length, options)
    const { falsePositiveRate, confidence, recipe, seed } = config
    return calibratedDetector(
      runtime,
      encoder,
      notes ? withNotes(learned, notes) : learned,
      { method: method.name, category, recipe, ...(config.resize === 'pad' && { resize: config.resize }), training: { seed, ...counts, digest } }, // prettier-ignore
      {
        source: plan.source,
        ...(plan.source === 'folds' && judges && { folds: foldsIn(judges, plan.folds) }),
        independent: areIndependent(samples) && !(copies && dependent(copies, samples.length)),
        falsePositiveRate,
        confidence,
        ids: images.map((i) => (samples[i] as Sample).id),
        defects:
          knownDefects.length > 0
            ? await evidenceOf(runtime, encoder, learned.head, await resizedPixels(runtime, square, knownDefects), report) // prettier-ignore
            : undefined,
        found: judges
          ? foundIn(judges)
          : await evidenceOf(runtime, encoder, learned.head, pixels.pixels(images), (done) => report(knownDefects.length + done)), // prettier-ignore
      },
    )
  })
  const { model, manifest, scores, defectScores } = detector
  const calibration = images.map((index, i): CalibrationScore => {
    return { ...aboutSample(samples[index] as Sample), score: scores[i] as number }
  })
  const { head } = learned
  const nearly = nearCopiesOf(manifest)
  const remarks = [...mixtureWarnings(facts.images, encoder.inputSize), ...(nearly ? [nearly] : [])]
  return {
    model,
    manifest,
    head,
    history: history ?? [],
    dropped,
    seconds,
    calibration,
    defectScores,
    remarks,
  }
}

/** Images that are trained on, about, before it is known which stand together: without those that are held out or may be dropped. */
function leastTraining(samples: FitOptions['samples'], config: TrainConfig): number {
  const { heldOut, dropSuspicious } = config
  return Math.max(1, Math.floor(samples.length * (1 - heldOut) * (1 - dropSuspicious)))
}

const withNotes = (
  { manifest, ...learned }: Learned,
  notes: NonNullable<Manifest['settings']>,
): Learned => ({
  ...learned,
  manifest: { ...manifest, settings: { ...manifest?.settings, ...notes } },
})
