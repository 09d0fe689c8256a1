import type { Mask, RgbImage } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import type { Evaluation, PassRecord } from '../evaluation.js'

/** A curve to plot; both axes in 0..1. */
export interface Curve {
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
}

export interface ReportScore {
  readonly id: string
  readonly label: 'good' | 'anomalous' | 'unknown'
  readonly defect: string
  readonly score: number
}

/** One column of the paper's Figure 3. All of one size, S×S. */
export interface ReportExample extends ReportScore {
  /** Why it is shown. */
  readonly group: 'best' | 'worst' | 'doubtful'
  readonly image: RgbImage
  readonly truth?: Mask
  readonly map: Float32Array
}

/** Densities of the anomaly scores of normal and anomalous feature vectors (pixels), the paper's Figure 4. */
export interface ReportHistogram {
  /** Bin borders, one more than bins. */
  readonly edges: ArrayLike<number>
  readonly normal: ArrayLike<number>
  readonly anomalous: ArrayLike<number>
}

/** Everything a report shows. */
export interface ReportInput {
  readonly title: string
  readonly manifest: Manifest
  /** Absent when the test set has no labels. */
  readonly evaluation?: Evaluation
  /** Pixel threshold of the predicted masks: the F1-optimal one, or the calibrated one without ground truth. */
  readonly pixelThreshold: number
  readonly scores: readonly ReportScore[]
  readonly examples: readonly ReportExample[]
  readonly histogram?: ReportHistogram
  readonly curves?: {
    readonly imageRoc?: Curve
    readonly pixelRoc?: Curve
    /** Mean overlap against the false-positive rate, drawn to 0.3. */
    readonly pro?: Curve
  }
  readonly history: readonly PassRecord[]
  /** Size of the detector file in bytes; 0 for a detector that has no file. */
  readonly modelBytes: number
}
