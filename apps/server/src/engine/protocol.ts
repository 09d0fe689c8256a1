import type { CflowErrorOptions, ErrorCode, RgbImage } from '@cflow/base'
import type {
  CheckedDetector,
  DetectorFile,
  EngineImage,
  Prediction,
  PredictOptions,
} from './engine.js'

/** An error as it travels between processes. */
export interface PlainError extends Pick<CflowErrorOptions, 'subject' | 'hint'> {
  readonly code: ErrorCode
  readonly message: string
}

export interface WorkerSettings {
  readonly device: string
  readonly threads: number
  readonly maxBatch: number
  readonly maxPixels: number
  /** Detectors that stay loaded. */
  readonly detectors: number
}

export interface BatchItem {
  readonly image: EngineImage
  readonly options: PredictOptions
}

/** What a worker is told; batches come through a pipe of their own (`frames.ts`). */
export type ToWorker =
  | { readonly type: 'settings'; readonly settings: WorkerSettings }
  | { readonly type: 'check'; readonly path: string }

/** What the thread that decodes is given. */
export interface DecoderSettings {
  /** The pipe with the images. */
  readonly fd: number
  readonly maxPixels: number
}

/** An item's pixels, or why there are none. */
export type Decoded = { readonly image: RgbImage } | { readonly error: PlainError }

/** Images of a batch that are held together; who gets them says afterwards that their pixels are done with. */
export interface DecodedGroup {
  readonly id: number
  readonly detector: DetectorFile
  readonly decoded: readonly Decoded[]
  readonly options: readonly PredictOptions[]
  readonly pixels: number
  /** Whether the batch ends with it. */
  readonly last: boolean
}

export type ItemResult = { readonly prediction: Prediction } | { readonly error: PlainError }

/** What it tells. */
export type FromWorker =
  | { readonly type: 'ready' }
  | {
      readonly type: 'batch'
      readonly id: number
      readonly results: readonly ItemResult[]
      /** Milliseconds from the batch's turn to its end. */
      readonly milliseconds: number
      /** Digests of the detectors that are loaded now. */
      readonly detectors: readonly string[]
      /** Detectors loaded so far, and bytes of memory in use. */
      readonly loads: number
      readonly rss: number
    }
  | { readonly type: 'checked'; readonly checked: CheckedDetector }
  | { readonly type: 'refused'; readonly error: PlainError }
