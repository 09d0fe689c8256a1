/** Which rules a table of results was made by; every report says which (see the package's README). */
export type Protocol = 'strict' | 'paper'

/** What the detector said of one image, and what is known of it. */
export interface ImageResult {
  readonly id: string
  readonly label: 'good' | 'anomalous' | 'unknown'
  /** 'good', or the type of defect. */
  readonly defect: string
  readonly score: number
  /** Anomaly map [S, S]. */
  readonly map: Float32Array
  /** Ground truth [S, S], 0 or 1; absent where there is none. */
  readonly mask?: Uint8Array
}

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

/** Rates at the calibrated threshold, which no test image has influenced. */
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

export interface Timing {
  /** Seconds by stage. */
  readonly seconds: Readonly<Record<string, number>>
  /** Median milliseconds of one image through the detector file, decoding not included. */
  readonly millisecondsPerImage: number
  readonly imagesPerSecond: number
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
  readonly timing: Timing
}

/** Rates of the unfinished flows at one look at the test set. */
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

export interface BestEpoch {
  readonly value: number
  /** Passes done by then. */
  readonly pass: number
}

/** Mean loss of one pass over the training images, per scale (finest first). */
export interface PassRecord {
  /** 1-based. */
  readonly pass: number
  readonly losses: readonly number[]
  readonly learningRate: number
  readonly seconds: number
}
