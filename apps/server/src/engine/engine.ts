import type { RatePromise } from '@cflow/detector'

/** A detector's file on this machine. Files of one digest are one detector, wherever they lie. */
export interface DetectorFile {
  /** SHA-256, hex. */
  readonly digest: string
  readonly path: string
}

/** An image as a worker takes it: an encoded file, or 8-bit RGB pixels. The server's own process decodes neither. */
export type EngineImage =
  | { readonly encoded: Uint8Array }
  | { readonly width: number; readonly height: number; readonly data: Uint8Array }

/** What is made beside the verdict. */
export interface Wanted {
  /** The anomaly map, float32. */
  readonly map?: boolean
  /** The heat map over the image, PNG. */
  readonly heatMap?: boolean
  /** The anomalous pixels at the image's own size, PNG, 0 and 255. */
  readonly mask?: boolean
  readonly regions?: boolean
}

export interface PredictOptions {
  /** Share of good images that may be reported; the stored threshold without one. */
  readonly falsePositiveRate?: number | undefined
  /** A threshold of the user's own, in place of a rate. */
  readonly threshold?: number | undefined
  readonly wanted?: Wanted
}

/** Connected anomalous pixels, in pixels of the image. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Pixels. */
  readonly area: number
  /** The highest anomaly in it, and where. */
  readonly peak: { readonly x: number; readonly y: number; readonly value: number }
}

export interface Prediction {
  readonly score: number
  readonly threshold: number
  readonly anomalous: boolean
  readonly pValue: number
  readonly falsePositiveRate: number
  readonly guaranteed: boolean
  /** What the threshold is worth; nothing is known of one of the user’s own. */
  readonly promise?: RatePromise
  /** Of the image as it is shown, orientation applied. */
  readonly width: number
  readonly height: number
  /** Of the model's run. */
  readonly milliseconds: number
  /** Mean log-likelihood per dimension over the image, of every scale. */
  readonly likelihoods: readonly number[]
  readonly regions?: readonly Region[]
  readonly map?: { readonly width: number; readonly height: number; readonly data: Float32Array }
  readonly heatMap?: Uint8Array
  readonly mask?: Uint8Array
}

/** What a detector file says of itself. */
export interface CheckedDetector {
  /** The manifest without its calibration scores. */
  readonly summary: Readonly<Record<string, unknown>>
}

export interface EngineStatus {
  readonly workers: number
  readonly ready: number
  readonly waiting: number
  readonly running: number
  readonly restarts: number
}

/** The pool of processes that decode images and run detectors. */
export interface Engine {
  /**
   * Predicts images; each may share a run of the model with others' images.
   *
   * @throws CflowError OVERLOADED where too many wait, IMAGE, MODEL, USAGE, UNAVAILABLE where its worker died twice,
   *   TIMEOUT where it hung
   */
  predict(
    detector: DetectorFile,
    image: EngineImage,
    options?: PredictOptions,
    signal?: AbortSignal,
  ): Promise<Prediction>
  /**
   * Opens a file as a detector and runs it once, in a process of its own with limits of time and memory.
   *
   * @throws CflowError MODEL
   */
  check(path: string): Promise<CheckedDetector>
  status(): EngineStatus
  /** Waits for what has begun, up to `milliseconds`, and ends the processes. */
  close(milliseconds?: number): Promise<void>
}
