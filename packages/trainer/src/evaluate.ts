import { CflowError, messageOf } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { PixelMetrics, auroc, averagePrecision, confusionAt, f1Max } from '@cflow/metrics'
import type { Runtime } from '@cflow/runtimes'
import type {
  DefectRow,
  DetectionMetrics,
  Evaluation,
  ImageResult,
  LocalisationMetrics,
  Protocol,
} from './evaluation.js'
import { labelledImages } from './labelled.js'
import { now, stageProgress } from './progress.js'
import type { OnProgress } from './progress.js'
import { fileScorer } from './scorer.js'
import type { Scorer } from './scorer.js'

export interface EvaluateOptions {
  /** A detector file, or a detector that is running already (it is not released). */
  readonly model: Uint8Array | Scorer
  readonly manifest: Manifest
  /** Labelled test images. */
  readonly samples: readonly Sample[]
  readonly runtime: Runtime
  /**
   * `paper` takes the authors' AUPRO and no calibrated threshold; the maximum over the test set is `evaluatePaper`'s, for
   * flows. `strict` when absent.
   */
  readonly protocol?: Protocol
  readonly onProgress?: OnProgress
}

/** Score and defect of every image, without its map. */
export type ImageScore = Omit<ImageResult, 'map' | 'mask'>

export interface EvaluationResult {
  readonly evaluation: Evaluation
  /** In the order of the samples. */
  readonly scores: readonly ImageScore[]
  /** Pixel metrics of all images, for curves; absent without masks. */
  readonly pixels?: PixelMetrics
}

/**
 * Evaluate a detector file on labelled images: last epoch, per-image scores (`strict`). Maps are not kept: memory grows
 * with the pixel metrics only (two numbers a pixel), and no longer once there are more pixels than are kept exactly
 * (`PixelMetrics`; `pixel.aurocError` is there then).
 * @throws CflowError EMPTY without test images, IMAGE and MASK for damaged ones
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationResult> {
  const { samples, manifest, protocol = 'strict' } = options
  if (samples.length === 0)
    throw new CflowError('EMPTY', 'there are no test images to evaluate on', {
      hint: 'put labelled images in test/good and test/<defect>, or in good and bad',
    })
  const milliseconds: number[] = []
  const report = stageProgress('evaluate', samples.length, options)
  async function* timed(): AsyncGenerator<ImageResult> {
    for await (const { result, time } of results(options)) {
      yield result
      milliseconds.push(time)
      report(milliseconds.length)
    }
  }
  return judgeMaps(timed(), {
    protocol,
    size: manifest.inputSize,
    hasMasks: samples.some((s) => s.loadMask),
    ...(protocol === 'strict' && { threshold: manifest.calibration.threshold }),
    milliseconds,
    began: now(),
  })
}

/**
 * Metrics of images whose maps and scores are known.
 * @param images in the order of the samples
 */
export async function judgeMaps(
  images: AsyncIterable<ImageResult>,
  about: {
    readonly protocol: Protocol
    /** S: maps are S×S. */
    readonly size: number
    readonly hasMasks: boolean
    /** Of the scores; absent where they are on no calibrated scale. */
    readonly threshold?: number
    /** Time of each image, complete when the images are through. */
    readonly milliseconds: readonly number[]
    readonly began: number
  },
): Promise<EvaluationResult> {
  const { protocol, size, hasMasks, threshold, milliseconds } = about
  const pixels = hasMasks ? new PixelMetrics() : undefined
  const scores: ImageScore[] = []
  for await (const { map, mask, ...score } of images) {
    scores.push(score)
    if (pixels && (mask || score.label === 'good')) {
      const truth = mask ?? new Uint8Array(size * size)
      pixels.add(map, truth, size, size, score.defect)
    }
  }
  const known = scores.filter((s) => s.label !== 'unknown')
  const evaluation: Evaluation = {
    protocol,
    image: detection(known),
    ...(pixels && { pixel: localisation(pixels, protocol) }),
    ...(threshold !== undefined && { operatingPoint: operatingPoint(known, threshold) }),
    defects: defectRows(known, pixels),
    timing: timing(milliseconds, (now() - about.began) / 1000),
  }
  return { evaluation, scores, ...(pixels && { pixels }) }
}

/** Run the detector over samples: results in order, decoding ahead of the detector. */
export async function* results(
  options: Pick<EvaluateOptions, 'model' | 'manifest' | 'samples' | 'runtime'>,
): AsyncGenerator<{ readonly result: ImageResult; readonly time: number }> {
  const { manifest, samples, runtime } = options
  const { model } = options
  const scorer = model instanceof Uint8Array ? await fileScorer(runtime, model) : model
  try {
    for await (const { sample, image, mask } of labelledImages(samples, manifest.inputSize)) {
      const began = now()
      const scored = await scorer.score(image).catch((error: unknown) => {
        throw new CflowError('RUNTIME', `${sample.id}: ${messageOf(error)}`, { cause: error })
      })
      const time = now() - began
      yield {
        time,
        result: {
          id: sample.id,
          label: sample.label,
          defect: sample.defect,
          ...scored,
          ...(mask && { mask }),
        },
      }
    }
  } finally {
    if (model instanceof Uint8Array) await scorer.release()
  }
}

function detection(scores: readonly ImageScore[]): DetectionMetrics {
  const values = scores.map((s) => s.score)
  const labels = scores.map((s) => s.label === 'anomalous')
  const f1 = f1Max(values, labels)
  return {
    auroc: auroc(values, labels),
    averagePrecision: averagePrecision(values, labels),
    f1Max: f1.f1,
    threshold: f1.threshold,
    precision: f1.precision,
    recall: f1.recall,
  }
}

function localisation(pixels: PixelMetrics, protocol: Protocol): LocalisationMetrics {
  const f1 = pixels.f1Max()
  return {
    auroc: pixels.auroc(),
    averagePrecision: pixels.averagePrecision(),
    ...(!pixels.exact && { aurocError: pixels.aurocError() }),
    aupro: pixels.aupro(0.3, { protocol: protocol === 'paper' ? 'cflow-ad' : 'exact' }),
    f1Max: f1.f1,
    threshold: f1.threshold,
    precision: f1.precision,
    recall: f1.recall,
  }
}

function operatingPoint(scores: readonly ImageScore[], threshold: number) {
  // a score above the threshold is anomalous; metrics count from the threshold on
  const above = nextAbove(threshold)
  const c = confusionAt(
    scores.map((s) => s.score),
    scores.map((s) => s.label === 'anomalous'),
    above,
  )
  return {
    threshold,
    falsePositiveRate: c.fp / (c.fp + c.tn),
    truePositiveRate: c.tp / (c.tp + c.fn),
  }
}

/** The next float64 above a number. */
function nextAbove(x: number): number {
  if (!Number.isFinite(x)) return x
  return x + Math.max(Math.abs(x) * Number.EPSILON, Number.MIN_VALUE)
}

function defectRows(scores: readonly ImageScore[], pixels: PixelMetrics | undefined): DefectRow[] {
  const good = scores.filter((s) => s.label === 'good')
  const names = [...new Set(scores.filter((s) => s.label === 'anomalous').map((s) => s.defect))]
  return names.map((defect) => {
    const own = scores.filter((s) => s.label === 'anomalous' && s.defect === defect)
    const both = [...good, ...own]
    return {
      defect,
      images: own.length,
      imageAuroc: auroc(
        both.map((s) => s.score),
        both.map((s) => s.label === 'anomalous'),
      ),
      pixelAuroc: pixels?.auroc(['good', defect]) ?? NaN,
    }
  })
}

function timing(milliseconds: readonly number[], seconds: number): Evaluation['timing'] {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? NaN
  return {
    seconds: { evaluate: seconds },
    millisecondsPerImage: median,
    imagesPerSecond: 1000 / median,
  }
}
