import type { CflowErrorOptions, ErrorCode } from '@cflow/base'
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

/** What a worker is told. */
export type ToWorker =
  | { readonly type: 'settings'; readonly settings: WorkerSettings }
  | {
      readonly type: 'batch'
      readonly id: number
      readonly detector: DetectorFile
      readonly items: readonly BatchItem[]
    }
  | { readonly type: 'check'; readonly path: string }

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
