import { PixelMetrics } from './pixel-metrics.js'
import { auroc, averagePrecision, f1Max, type F1Max } from './rates.js'
import type { FloatArray } from './scores.js'

/**
 * Which rules a table of results is made by: `strict`, scores that depend on one image only and the exact AUPRO; `paper`,
 * those of the authors' code, whose AUPRO is sampled and whose scores are on no calibrated scale.
 */
export type Protocol = 'strict' | 'paper'

/** What is known of an image, and the score that it got. */
export interface ScoredImage {
  readonly label: 'good' | 'anomalous' | 'unknown'
  /** 'good', or the type of defect. */
  readonly defect: string
  readonly score: number
}

/** The same with what is known of its pixels: `data[y·width + x]`. */
export interface MappedImage extends ScoredImage {
  readonly anomalyMap: {
    readonly width: number
    readonly height: number
    readonly data: FloatArray
  }
  /** Ground truth of the map's size, non-zero is anomalous; absent where there is none. */
  readonly mask?: { readonly data: Uint8Array }
}

/** How well scores tell good from anomalous, whatever the threshold. */
export interface DetectionMetrics {
  readonly auroc: number
  readonly averagePrecision: number
  readonly f1Max: number
  /** Score at which F1 is largest. */
  readonly threshold: number
  readonly precision: number
  readonly recall: number
}

export interface LocalisationMetrics extends DetectionMetrics {
  /** The most that `auroc` can be off, where there are too many pixels to keep them all; absent where it is exact. */
  readonly aurocError?: number
  /** Exact, to a false-positive rate of 0.3 (`strict`), or the authors' variant (`paper`). */
  readonly aupro: number
}

/** Rates measured at the calibrated threshold, which no test image has influenced: anomalous is score > threshold. */
export interface OperatingPoint {
  readonly threshold: number
  readonly falsePositiveRate: number
  readonly truePositiveRate: number
}

export interface DefectRow {
  readonly defect: string
  readonly images: number
  /** Of this defect's images against the good ones. NaN without good images. */
  readonly imageAuroc: number
  readonly pixelAuroc: number
}

/** Results on a labelled test set. Rates in 0..1; a metric whose class is missing is NaN. */
export interface Evaluation {
  readonly protocol: Protocol
  readonly image: DetectionMetrics
  /** Absent without ground-truth masks. */
  readonly pixel?: LocalisationMetrics
  /** Absent where the scores are on no calibrated scale. */
  readonly operatingPoint?: OperatingPoint
  /** Best epoch on the test set by metric, as the authors report; only of a training under the `paper` protocol. */
  readonly best?: BestEpochs
  readonly defects: readonly DefectRow[]
}

/** The same with what it took, measured where the images are run. */
export interface TimedEvaluation extends Evaluation {
  readonly timing: {
    /** Seconds by stage. */
    readonly seconds: Readonly<Record<string, number>>
    /** Median milliseconds of one image through the detector file, decoding not included. */
    readonly millisecondsPerImage: number
    readonly imagesPerSecond: number
  }
}

/**
 * Metrics of a test set, image by image: maps and masks are not kept, so memory grows with the pixel metrics only.
 * @param options.masks whether some images have masks; a good image without one counts as normal all over, a defective
 *   one without is left out of the pixel metrics
 * @param options.threshold of the scores; absent where they are on no calibrated scale
 * @returns `pixels`, for curves: absent without masks
 */
export async function evaluateImages(
  images: AsyncIterable<MappedImage> | Iterable<MappedImage>,
  options: {
    readonly protocol?: Protocol
    readonly masks: boolean
    readonly threshold?: number | undefined
  },
): Promise<{ readonly evaluation: Evaluation; readonly pixels?: PixelMetrics }> {
  const { protocol = 'strict', threshold } = options
  const pixels = options.masks ? new PixelMetrics() : undefined
  const known: ScoredImage[] = []
  for await (const { label, defect, score, anomalyMap, mask } of images) {
    if (label !== 'unknown') known.push({ label, defect, score })
    if (!pixels || !(mask || label === 'good')) continue
    const { width, height, data } = anomalyMap
    pixels.add(data, mask?.data ?? new Uint8Array(data.length), width, height, defect)
  }
  const good = known.filter((s) => s.label === 'good')
  const anomalous = known.filter((s) => s.label === 'anomalous')
  const defects = [...new Set(anomalous.map((s) => s.defect))].map((defect): DefectRow => {
    const own = anomalous.filter((s) => s.defect === defect)
    return {
      defect,
      images: own.length,
      imageAuroc: auroc(...scoresAndLabels([...good, ...own])),
      pixelAuroc: pixels?.auroc(['good', defect]) ?? NaN,
    }
  })
  const evaluation: Evaluation = {
    protocol,
    image: detection(known),
    ...(pixels && { pixel: localisation(pixels, protocol) }),
    ...(threshold !== undefined && {
      operatingPoint: {
        threshold,
        falsePositiveRate: rateAbove(good, threshold),
        truePositiveRate: rateAbove(anomalous, threshold),
      },
    }),
    defects,
  }
  return { evaluation, ...(pixels && { pixels }) }
}

/** Arguments of the metrics. */
export function scoresAndLabels(images: readonly ScoredImage[]) {
  return [images.map((s) => s.score), images.map((s) => s.label === 'anomalous')] as const
}

const rateAbove = (images: readonly ScoredImage[], threshold: number): number =>
  images.filter((s) => s.score > threshold).length / images.length

function detection(images: readonly ScoredImage[]): DetectionMetrics {
  const [scores, labels] = scoresAndLabels(images)
  return {
    auroc: auroc(scores, labels),
    averagePrecision: averagePrecision(scores, labels),
    ...renamed(f1Max(scores, labels)),
  }
}

function localisation(pixels: PixelMetrics, protocol: Protocol): LocalisationMetrics {
  return {
    auroc: pixels.auroc(),
    averagePrecision: pixels.averagePrecision(),
    ...(!pixels.exact && { aurocError: pixels.aurocError() }),
    aupro: pixels.aupro(0.3, { protocol: protocol === 'paper' ? 'cflow-ad' : 'exact' }),
    ...renamed(pixels.f1Max()),
  }
}

const renamed = ({ f1, ...where }: F1Max) => ({ f1Max: f1, ...where })

/** Rates of an unfinished model at one look at the test set. */
export interface EpochEvaluation {
  /** Passes done by then. */
  readonly pass: number
  readonly evaluation: Evaluation
}

/** For each metric the best of several epochs, chosen on the test set: optimistic, for published tables only. */
export interface BestEpochs {
  readonly image: BestEpoch
  readonly pixel?: BestEpoch
  readonly aupro?: BestEpoch
  /** Passes after which the test set was looked at. */
  readonly passes: readonly number[]
}

interface BestEpoch {
  readonly value: number
  /** Passes done by then. */
  readonly pass: number
}

/** The best of several evaluations by metric; the first of equals. Undefined of none. */
export function bestEpochs(epochs: readonly EpochEvaluation[]): BestEpochs | undefined {
  if (epochs.length === 0) return undefined
  const best = (value: (e: Evaluation) => number | undefined) =>
    epochs.reduce<BestEpoch | undefined>((a, { pass, evaluation }) => {
      const v = value(evaluation)
      return v !== undefined && Number.isFinite(v) && !(a && a.value >= v) ? { value: v, pass } : a
    }, undefined)
  const image = best((e) => e.image.auroc)
  const pixel = best((e) => e.pixel?.auroc)
  const aupro = best((e) => e.pixel?.aupro)
  return {
    image: image ?? { value: NaN, pass: 0 },
    ...(pixel && { pixel }),
    ...(aupro && { aupro }),
    passes: epochs.map((e) => e.pass),
  }
}
