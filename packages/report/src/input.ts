import type { Mask, RgbImage } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import type { AnomalyMap, Detection } from '@cflow/detector'
import type { PixelMetrics, ScoredImage, TimedEvaluation } from '@cflow/metrics'

/** What is known of a sample without looking at it. */
export interface SampleFacts extends Pick<ScoredImage, 'label' | 'defect'> {
  readonly id: string
}

/** Facts of a sample together with what a detector says of it, in a few numbers. */
export type Judged<Facts = SampleFacts> = Facts &
  Pick<Detection, 'score' | 'threshold' | 'anomalous' | 'pValue'>

/** What the folders of a data set were taken for. */
export interface DataReading {
  readonly folders: readonly {
    /** '.' for images directly in the root. */
    readonly folder: string
    /** What its images are for. */
    readonly role: string
    readonly defect?: string
    readonly images: number
    /** How many of them have a mask. */
    readonly masks: number
    readonly why?: string
  }[]
  /** Files in formats that are not read: how many of each ending. */
  readonly unread: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
}

/** What a detector says of a test set, and what that comes to where truth is known. */
export interface Judgement {
  readonly scores: readonly Judged[]
  /** Absent when no image has a label. */
  readonly evaluation?: TimedEvaluation
  /** Absent without ground-truth masks. */
  readonly pixels?: PixelMetrics
  /** At which size pixels were compared, `mask` for that of each mask; absent without masks. */
  readonly resolution?: { readonly at: 'mask' | number }
  /** What is to be said of images and masks, a sentence each. */
  readonly remarks?: readonly string[]
  /**
   * How many of the good images are the very ones that set the threshold; where there are any, no rate of false alarms is
   * given.
   */
  readonly ownEvidence?: number
  /** What the evaluation and its curves are of, where that is not the detector's own scores (protocol `paper`). */
  readonly measured?: { readonly scores: readonly ScoredImage[]; readonly pixels?: PixelMetrics }
}

/** One column of the paper's Figure 3: image, map and mask of one size, S×S. */
export interface ReportExample extends Judged {
  /** Why it is shown. */
  readonly group: 'mistake' | 'best' | 'worst' | 'doubtful'
  readonly image: RgbImage
  readonly anomalyMap: AnomalyMap
  /** Ground truth. */
  readonly mask?: Mask
}

/** The score of an image by name. */
export interface NamedScore {
  readonly id: string
  readonly score: number
}

/** The images that set a threshold, where they are at hand. */
export interface CalibrationImages {
  /** Good ones. */
  readonly images: readonly NamedScore[]
  /** Known defects that it was placed between. */
  readonly defects: readonly NamedScore[]
  /** The good image that decided, as the detector sees it. */
  readonly decisive?: Omit<ReportExample, 'group'>
}

/** Everything a report shows. */
export interface ReportInput extends Judgement {
  readonly category: string
  readonly manifest: Manifest
  /** How the folders of the images were read. */
  readonly reading?: DataReading | undefined
  /** Training images that were left out, and why each. */
  readonly dropped?: readonly { readonly id: string; readonly why: string }[]
  readonly examples: readonly ReportExample[]
  /** Mean loss of each pass over the training images, per scale (finest first); empty where nothing was trained. */
  readonly history: readonly {
    readonly pass: number
    readonly losses: readonly number[]
    readonly learningRate: number
  }[]
  /** Size of the detector file in bytes. */
  readonly modelBytes: number
  readonly calibration?: CalibrationImages
  /** When, from what and how it was made: texts for people, each where it is known. */
  readonly made?: {
    readonly date?: string
    /** Folder of the images. */
    readonly folder?: string | undefined
    readonly command?: string | undefined
  }
}
