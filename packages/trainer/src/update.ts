import { CflowError } from '@cflow/base'
import {
  largestScore,
  methodTitle,
  readDetectorParts,
  calibratedThreshold,
  writeDetector,
  type Manifest,
} from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { methodOf, methods, type Extended } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { evidenceOf, scoresOf } from './calibrate.js'
import { detections } from './evaluate.js'
import { featureCache, pixelCache } from './feature-cache.js'
import { stageProgress, stopwatch, type Watch } from './progress.js'
import { inSessionScope } from './session-scope.js'
import { partsOf } from './near-copies.js'
import { foldsOf } from './split.js'

export interface UpdateOptions extends Watch {
  /** A detector file. */
  readonly model: Uint8Array
  /** Good images, such as those that it took for defective. */
  readonly samples: readonly Sample[]
  readonly runtime: Runtime
  /** For the history in the manifest; files hold no date that is not given. */
  readonly date?: string | undefined
}

/** One of the images that were added. */
export interface UpdatedImage {
  readonly id: string
  /** Score by the detector as it was, and by the one with all images added. */
  readonly before: number
  readonly after: number
  /** Score by a detector to which only others of the images were added: what is to be expected of further ones like it. */
  readonly unseen: number
}

export interface UpdateResult {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  readonly images: readonly UpdatedImage[]
  /** Threshold, and how many of the earlier calibration scores are above it. */
  readonly threshold: { readonly before: number; readonly after: number }
  readonly above: { readonly before: number; readonly after: number }
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/** Parts of the images that are left out in turn to calibrate with. */
const foldCount = 3

/**
 * Take good images up into a detector, without those that it was trained on. Its memory grows by what the images hold that
 * was unusual to it; the rest of it stays as it is. The threshold follows from the earlier calibration scores, which no
 * image of theirs exceeds now (for CFLOW-AD and SPADE: scores can only fall), together with those of the images, each
 * scored before it was added (`unseen`); it never becomes less.
 * @throws CflowError USAGE for a method that cannot be added to, EMPTY without images, MODEL, IMAGE and what the runtime throws
 */
export async function updateDetector(options: UpdateOptions): Promise<UpdateResult> {
  if (options.samples.length === 0)
    throw new CflowError('EMPTY', 'there are no images to add', {
      hint: 'give good images, such as false alarms',
    })
  return inSessionScope(options.runtime, (runtime) => updateWith(runtime, options))
}

async function updateWith(
  runtime: Runtime,
  { model, samples, date, ...watch }: UpdateOptions,
): Promise<UpdateResult> {
  const parts = readDetectorParts(model)
  const { manifest, encoder: file } = parts
  const { inputSize, scales, aggregation, calibration, training } = manifest
  const { extension } = methodOf(manifest.method)
  if (!extension)
    throw new CflowError('USAGE', `a detector of ${methodTitle(manifest)} cannot be added to`, {
      subject: 'method',
      hint: `train it again with all images; detectors of ${titles()} can be added to`,
    })
  const { seconds, timed } = stopwatch()
  const encoder = { encoder: file, inputSize }
  const kept = manifest.encoder.taps.reduce((n, t) => n + t.channels * t.height * t.width, 0)
  const view = extension.view?.(manifest)
  const images = await pixelCache(runtime, samples, manifest)
  const features = await featureCache(runtime, images, encoder, { ...(view && { view }), kept })
  const facts = await timed('read', () => images.read(stageProgress('read', samples.length, watch)))
  const { digest, digests } = facts
  const extended = (indices: readonly number[]): Promise<Extended> =>
    extension.extend({
      ...{ parts, runtime, features, training: indices, seed: training.seed, timed },
      progress: (stage, total) => stageProgress(stage, total, watch),
    })

  const before = await scoresBy(model, samples, runtime)
  const unseen = [...before]
  // an image that is judged must not have a copy among those that were added
  const apart = samples.length > 1 ? await partsOf(runtime, samples, facts) : samples
  const folds = samples.length > 1 ? foldsOf(apart, foldCount) : []
  const report = stageProgress('calibrate', samples.length, watch)
  let done = 0
  if (folds.length > 1)
    for (const fold of folds) {
      const { head } = await extended(folds.flatMap((other) => (other === fold ? [] : other)))
      await timed('calibrate', async () => {
        const pixels = images.pixels(fold)
        const found = await evidenceOf(runtime, encoder, head, pixels, () => report(++done))
        const scores = await scoresOf(runtime, head, found, inputSize, scales)
        scores.forEach((score, i) => (unseen[fold[i] as number] = score))
      })
    }

  const { head, manifest: said } = await extended([...samples.keys()])
  const sorted = [...calibration.scores, ...unseen].sort((a, b) => a - b)
  const { falsePositiveRate } = calibration
  // the earlier scores are those of the detector as it was
  const source = calibration.source === 'training' ? 'training' : 'folds'
  const bound = largestScore(aggregation, scales)
  const quantile = calibratedThreshold({ ...calibration, source, scores: sorted }, falsePositiveRate, bound).threshold // prettier-ignore
  const threshold = { before: calibration.threshold, after: Math.max(quantile, calibration.threshold) } // prettier-ignore
  const { folds: earlier, ...rest } = calibration
  const parted = source === 'training' ? undefined : (earlier ?? Math.max(folds.length, 2))
  const complete: Manifest = {
    ...manifest,
    ...said,
    ...(training.digests && {
      training: { ...training, digests: [...training.digests, ...digests] },
    }),
    calibration: {
      ...rest,
      source,
      ...(parted !== undefined && { folds: parted }),
      scores: sorted,
      threshold: threshold.after,
      guaranteed: false,
    },
    history: [
      ...(manifest.history ?? []),
      { ...(date !== undefined && { date }), images: samples.length, digest, threshold },
    ],
  }
  const updated = writeDetector(file, head, complete)
  const after = await timed('evaluate', () => scoresBy(updated, samples, runtime))
  const above = (limit: number) => calibration.scores.filter((s) => s > limit).length
  return {
    model: updated,
    manifest: complete,
    images: samples.map(({ id }, i) => ({
      id,
      before: before[i] as number,
      after: after[i] as number,
      unseen: unseen[i] as number,
    })),
    threshold,
    above: { before: above(threshold.before), after: above(threshold.after) },
    seconds,
  }
}

async function scoresBy(
  model: Uint8Array,
  samples: readonly Sample[],
  runtime: Runtime,
): Promise<number[]> {
  const scores: number[] = []
  for await (const { score } of detections({ model, samples, runtime })) scores.push(score)
  return scores
}

const titles = (): string =>
  methods.flatMap((m) => ('extension' in m && m.extension ? [m.title] : [])).join(', ')
