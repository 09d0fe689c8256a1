import { CflowError, messageOf, ordered, type RgbImage } from '@cflow/base'
import type { Sample, TruthMask } from '@cflow/datasets'
import { loadDetector, readDetector, type DetectionOf } from '@cflow/detector'
import {
  evaluateImages,
  type MappedImage,
  type PixelMetrics,
  type Protocol,
  type ScoredImage,
  type TimedEvaluation,
} from '@cflow/metrics'
import type { Judged } from '@cflow/report'
import type { Runtime } from '@cflow/runtimes'
import { atResolution, resolutionFor, type EvaluateAt, type Resolution } from './resolution.js'
import { imageDigest } from './feature-cache.js'
import { now, stageProgress, type OnProgress } from './progress.js'

export interface EvaluateOptions {
  /** A detector file. */
  readonly model: Uint8Array
  /** Labelled test images. */
  readonly samples: readonly Sample[]
  readonly runtime: Runtime
  /**
   * `paper` takes the authors' AUPRO and no calibrated threshold; the maximum over the test set is `evaluatePaper`'s, for
   * flows. `strict` when absent.
   */
  readonly protocol?: Protocol
  /**
   * At which size pixels are compared: `mask`, that of each mask, or a number of pixels. Where it is absent, that of the
   * anomaly maps, unless a region of a mask would vanish there: then `mask`. Of no effect under the `paper` protocol, whose
   * rules say that it is that of the maps.
   */
  readonly evaluateAt?: EvaluateAt | undefined
  readonly onProgress?: OnProgress
}

export interface EvaluationResult<Score extends ScoredImage = Judged> {
  readonly evaluation: TimedEvaluation
  /** In the order of the samples. */
  readonly scores: readonly Score[]
  /** Pixel metrics of all images, for curves; absent without masks. */
  readonly pixels?: PixelMetrics
  /** At which size pixels were compared; absent without masks. */
  readonly resolution?: Resolution
  /** What is to be said of images and masks, a sentence each. */
  readonly remarks?: readonly string[]
}

/**
 * Evaluate a detector file on labelled images: last epoch, per-image scores (`strict`). Maps are not kept: memory grows
 * with the pixel metrics only (two numbers a pixel), and no longer once there are more pixels than are kept exactly
 * (`PixelMetrics`; `pixel.aurocError` is there then).
 * @throws CflowError EMPTY without test images, IMAGE and MASK for damaged ones
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { samples, model, protocol = 'strict' } = options
  if (samples.length === 0)
    throw new CflowError('EMPTY', 'there are no test images to evaluate on', {
      hint: 'put labelled images in test/good and test/<defect>, or in good and bad',
    })
  const { calibration, inputSize, training } = (await readDetector(model)).manifest
  const seen = new Set(training.digests)
  const known: string[] = []
  const scores: Judged[] = []
  const remarks: Remark[] = []
  const report = stageProgress('evaluate', samples.length, options)
  const milliseconds: number[] = []
  const asked = protocol === 'paper' ? inputSize : options.evaluateAt
  const resolution = await resolutionFor(samples, inputSize, asked)
  async function* images(): AsyncGenerator<MappedImage> {
    for await (const detected of detections(options)) {
      const { id, label, defect, score, threshold, anomalous, pValue, image, mask } = detected
      yield {
        label,
        defect,
        score,
        ...atResolution(detected.anomalyMap, mask, image, resolution.at),
      }
      scores.push({ id, label, defect, score, threshold, anomalous, pValue })
      if (seen.size > 0 && seen.has(await imageDigest(image))) known.push(id)
      for (const text of mask?.remarks ?? []) remarks.push({ id, text })
      report(milliseconds.push(detected.milliseconds))
    }
  }
  const threshold = protocol === 'strict' ? calibration.threshold : undefined
  const result = await timedEvaluation(samples, images(), milliseconds, { protocol, threshold })
  const said = [
    ...alreadyKnown(known),
    ...foreign(scores),
    ...vanished(resolution, inputSize, protocol),
    ...gathered(remarks),
  ]
  return {
    ...result,
    scores,
    ...(result.pixels && { resolution }),
    ...(said.length > 0 && { remarks: said }),
  }
}

/** What is remarkable about the mask of one image. */
interface Remark {
  readonly id: string
  readonly text: string
}

/** Remarks of one text together: `the mask of a.png and 3 others is empty`. */
export function gathered(remarks: readonly Remark[]): readonly string[] {
  const byText = new Map<string, string[]>()
  for (const { id, text } of remarks) byText.set(text, [...(byText.get(text) ?? []), id])
  return [...byText].map(([text, [first = '', ...others]]) => {
    const rest = others.length === 0 ? '' : ` (and of ${others.length} more)`
    return `the mask of ${first}${rest} ${text}`
  })
}

/** Where most good images raise an alarm, they are hardly what the detector was trained with. */
function foreign(scores: readonly Judged[]): readonly string[] {
  const good = scores.filter((s) => s.label === 'good')
  const judged = good.length > 0 ? good : scores.filter((s) => s.label === 'unknown')
  const alarms = judged.filter((s) => s.anomalous).length
  // of images that nobody sorted, all may well be defective
  if (
    judged.length < 5 ||
    alarms <= judged.length / 2 ||
    (judged !== good && alarms < judged.length)
  )
    return []
  return [`${alarms} of ${judged.length} ${good.length > 0 ? 'good ' : ''}images are called anomalous: are they of what the detector was trained with, taken in the same way?`] // prettier-ignore
}

function alreadyKnown([first = '', ...others]: readonly string[]): readonly string[] {
  if (first === '') return []
  const those = others.length === 0 ? `${first} is one` : `${first} and ${others.length} more are`
  return [`${those} of the images that the detector was trained with: what is said of them is better than it would be of new ones`] // prettier-ignore
}

function vanished(
  { at, regions = 0, vanishing = 0 }: Resolution,
  size: number,
  protocol: Protocol,
): readonly string[] {
  if (vanishing === 0) return []
  const those = `${vanishing} of ${regions} regions of the masks`
  return at === 'mask'
    ? [
        `${those} would vanish at ${size}×${size} pixels: pixels are compared at the masks’ own size`,
      ]
    : [
        `${those} vanish at ${at}×${at} pixels and count for nothing: ${protocol === 'strict' ? '--evaluate-at mask keeps them' : 'so are the authors’ rules'}`,
      ]
}

/**
 * Metrics of images as they come, and what that took.
 * @param milliseconds of each image, complete when the images are through
 */
export async function timedEvaluation(
  samples: readonly Sample[],
  images: AsyncIterable<MappedImage>,
  milliseconds: readonly number[],
  options: { readonly protocol: Protocol; readonly threshold?: number | undefined },
): Promise<Omit<EvaluationResult, 'scores'>> {
  const began = now()
  const masks = samples.some((s) => s.loadMask)
  const { evaluation, ...rest } = await evaluateImages(images, { ...options, masks })
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN
  const timing = {
    seconds: { evaluate: (now() - began) / 1000 },
    millisecondsPerImage: median,
    imagesPerSecond: 1000 / median,
  }
  return { evaluation: { ...evaluation, timing }, ...rest }
}

/** All that evaluations and reports read of a detection. */
const scoreAndMap = { parts: { contributions: false } } as const

/** A sample that a detector has seen: what is known of it, and what the detector says. */
export type Detected = Judged &
  DetectionOf<typeof scoreAndMap.parts> & { readonly image: RgbImage; readonly mask?: TruthMask }

/**
 * Run a detector file over samples: results in order, decoding ahead of the detector.
 * @throws CflowError RUNTIME that names the sample
 */
export async function* detections({
  model,
  samples,
  runtime,
}: Pick<EvaluateOptions, 'model' | 'samples' | 'runtime'>): AsyncGenerator<Detected> {
  const detector = await loadDetector(model, { runtime })
  try {
    for await (const { sample, ...rest } of labelledImages(samples)) {
      const detection = await detector.detect(rest.image, scoreAndMap).catch((error: unknown) => {
        // wrong with the detector, whatever the image
        if (error instanceof CflowError && error.code === 'MODEL') throw error
        throw new CflowError('RUNTIME', `${sample.id}: ${messageOf(error)}`, { cause: error })
      })
      const { id, label, defect } = sample
      yield { id, label, defect, ...detection, ...rest }
    }
  } finally {
    await detector.release()
  }
}

/** Samples in order, decoded ahead of whoever reads, with the ground truth where there is one. */
export function labelledImages(samples: readonly Sample[]) {
  return ordered(samples, async (sample) => {
    const image = await sample.load()
    const mask = await sample.loadMask?.()
    return { sample, image, ...(mask && { mask }) }
  })
}
