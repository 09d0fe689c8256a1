import { thresholdAt, type Head, type Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { methodOf, type Learned } from '@cflow/methods'
import { evenly, type Split } from './split.js'

/** Recorded in detector files. Kept equal to the package's version by a test. */
export const software = { name: 'cflow', version: '0.1.0' } as const

/** What a manifest says before the calibration. */
export type ManifestDraft = Omit<Manifest, 'scales' | 'calibration'>

/** What is known of a detector before its calibration, as its manifest says it. */
export function manifestDraft(
  { spec, taps, inputSize }: EncoderModel,
  { head, manifest }: Pick<Learned, 'head' | 'manifest'>,
  about: Pick<Manifest, 'method' | 'category' | 'recipe' | 'training'>,
): ManifestDraft {
  return {
    format: 'cflow-detector',
    version: 1,
    software,
    method: about.method,
    title: methodOf(about.method).title,
    ...(manifest?.settings && { settings: manifest.settings }),
    category: about.category,
    encoder: {
      name: spec.name,
      ...(spec.digest !== undefined && { digest: spec.digest }),
      ...(spec.batch !== undefined && { batch: spec.batch }),
      mean: [...spec.mean],
      std: [...spec.std],
      taps: [...taps],
    },
    inputSize,
    recipe: about.recipe,
    flows: flowsOf(head),
    aggregation: manifest?.aggregation ?? 'joint',
    training: about.training,
  }
}

const flowsOf = ({ flows = [] }: Head): Manifest['flows'] => flows.map((f) => f.config)

/** Images that are calibrated with at most, evenly spread: more say nothing new, and their evidence is in memory. */
const maxImages = 4096

/** What the images are that a detector is calibrated with. */
export interface CalibrationSource {
  readonly source: Manifest['calibration']['source']
  /** Whether the images were taken independently of one another; no rate is guaranteed for frames of a video. */
  readonly independent: boolean
  readonly falsePositiveRate: number
}

export const areIndependent = (samples: readonly Sample[]): boolean =>
  samples.every((s) => s.sequence === undefined)

/** The held-out images, or the training images where none are held out. */
export function calibrationSet(
  samples: readonly Sample[],
  { training, heldOut }: Split,
  falsePositiveRate: number,
): CalibrationSource & { readonly indices: readonly number[] } {
  return {
    source: heldOut.length > 0 ? 'held-out' : 'training',
    independent: areIndependent(samples),
    falsePositiveRate,
    indices: evenly(heldOut.length > 0 ? heldOut : training, maxImages),
  }
}

/** The thresholds of a detector: its scores of normal images, and their conformal quantile. */
export function calibrationOf(
  scores: readonly number[],
  { source, independent, falsePositiveRate }: CalibrationSource,
): Manifest['calibration'] {
  const sorted = [...scores].sort((a, b) => a - b)
  const { threshold, guaranteed } = thresholdAt(sorted, falsePositiveRate)
  return {
    source,
    scores: sorted,
    falsePositiveRate,
    threshold,
    guaranteed: source === 'held-out' && independent && guaranteed,
  }
}
