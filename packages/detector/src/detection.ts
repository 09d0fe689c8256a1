import { CflowError } from '@cflow/base'
import {
  largestScore,
  pValue,
  calibratedThreshold,
  type Manifest,
  type Threshold,
} from '@cflow/core'
import { promiseOf } from './promise.js'

/** The part of one scale in the score, at the most anomalous pixel. */
export interface Contribution {
  /** Name of the encoder's tap. */
  readonly tap: string
  /** Input pixels per step of its feature map: small is fine detail, large is coarse. */
  readonly stride: number
  /**
   * Its anomaly there; the values of all scales sum to the map's value, or under `softMinimum` their soft minimum is it, up to
   * rounding and before the map is smoothed (`manifest.smoothing`).
   */
  readonly value: number
  /**
   * Its part in what is unusual, 0 … 1. A scale's excess is its value minus its anomaly at the mean likelihood of
   * held-out good images (`manifest.scales`); the share is the excess over the sum of all positive excesses. A scale
   * without excess has share 0; the shares sum to 1, or to 0 where no scale has any.
   */
  readonly share: number
}

/** A threshold and the rate it stands for. */
export interface RatedThreshold extends Threshold {
  /**
   * The rate that the threshold was chosen for: the share of good images reported as anomalous. Of a threshold that was
   * given, what the scores of held-out good images say of it.
   */
  readonly falsePositiveRate: number
}

/** The decision on a score; `guaranteed` is false, too, where training images took the place of held-out ones. */
export interface Verdict extends RatedThreshold {
  /**
   * Maximum of the anomaly map (the paper's section 4.2), or the mean of its highest pixels, of a share
   * `manifest.scoreShare` of all.
   */
  readonly score: number
  /** score > threshold */
  readonly anomalous: boolean
  /** Conformal p-value: the share of good images that would score at least as high (too small without held-out ones). */
  readonly pValue: number
}

/**
 * The anomaly of every pixel, row by row: `data[y·width + x]`; larger is more anomalous. S×S pixels,
 * S = `manifest.inputSize`, whatever the size of the image.
 */
export interface AnomalyMap {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** What a detector says of one image: plain data, without methods. */
export interface Detection extends Verdict {
  readonly anomalyMap: AnomalyMap
  /** In the order of the encoder's taps. */
  readonly contributions: readonly Contribution[]
  /** Time of the model's run for this image, without decoding; in a batch, its part of the batch's run. */
  readonly milliseconds: number
}

/** Parts of a detection that are left out when they are set to false; what only they need is not read from the model. */
export interface Parts {
  readonly map?: boolean
  readonly contributions?: boolean
  /** Only there when it is asked for. */
  readonly likelihoods?: boolean
  /** Only there when it is asked for. */
  readonly scaleMaps?: boolean
}

/** What the features of a whole image say, wherever it is anomalous. */
export interface Likelihoods {
  /**
   * Mean log-likelihood per dimension over the image, of every scale: `manifest.scales` has the mean over held-out good
   * images, and the deviation of single positions.
   */
  readonly likelihoods: readonly number[]
}

/** Where each scale alone finds something unusual. */
export interface ScaleMaps {
  /**
   * The anomaly of every pixel at each scale, in the order of `contributions`, of the size of the anomaly map: the maps sum to it,
   * or under `softMinimum` their soft minimum is it, up to rounding.
   */
  readonly scaleMaps: readonly AnomalyMap[]
}

type Part<P extends Parts, Name extends keyof Parts, Fields> = Name extends keyof P
  ? P[Name] extends false
    ? unknown
    : false extends P[Name]
      ? Partial<Fields>
      : Fields
  : Fields

/** A detection with the parts that were asked for; those that only running tells are optional. */
export type DetectionOf<P extends Parts> = Verdict &
  Pick<Detection, 'milliseconds'> &
  Part<P, 'map', Pick<Detection, 'anomalyMap'>> &
  Part<P, 'contributions', Pick<Detection, 'contributions'>> &
  (P extends { readonly likelihoods: true } ? Likelihoods : unknown) &
  (P extends { readonly scaleMaps: true } ? ScaleMaps : unknown)

/**
 * Whether a rate can be guaranteed at all by the images that a detector was calibrated with: images that were kept out of its
 * training, independent of one another, and scored by this very file.
 */
export function canPromise({ calibration, aggregation, scales }: Manifest): boolean {
  const { source, independent = true, guaranteed, scores, falsePositiveRate } = calibration
  if (source !== 'held-out' || !independent) return false
  if (guaranteed) return true
  // so many images carry the stored rate, and still it was not guaranteed: frames of a video, or scores carried over
  const bound = largestScore(aggregation, scales)
  return scores.length > 0 && !calibratedThreshold(calibration, falsePositiveRate, bound).guaranteed
}

/**
 * The threshold for a false-positive rate; the stored one without a rate. No rate is guaranteed but by independent images
 * that were kept out of the training (`promiseOf` says what it is worth).
 * @throws CflowError USAGE when the rate does not lie between 0 and 1, EMPTY when a rate is asked for and the detector
 *   holds no scores to calibrate with, MODEL when no score can be above the stored threshold
 */
export function thresholdFor(manifest: Manifest, rate: number | undefined): RatedThreshold {
  const { calibration, aggregation, scales } = manifest
  const bound = largestScore(aggregation, scales)
  if (rate === undefined) checkReach(calibration.threshold, bound)
  const { threshold, guaranteed } =
    rate === undefined ? calibration : calibratedThreshold(calibration, rate, bound)
  return {
    threshold,
    guaranteed: guaranteed && canPromise(manifest),
    falsePositiveRate: rate ?? calibration.falsePositiveRate,
  }
}

/**
 * @param bound what no score exceeds (`largestScore`)
 * @param hint what helps
 * @throws CflowError MODEL when no score can be above a stored threshold: every image would be called good
 */
export function checkReach(
  threshold: number,
  bound: number,
  hint = 'give a false-positive rate instead of the stored threshold, or train again',
): void {
  if (threshold < bound) return
  const number = Number(threshold.toPrecision(4))
  const why = Number.isNaN(threshold) ? 'is no number' : `is ${number}, and no score can be above ${Number(bound.toPrecision(4))}` // prettier-ignore
  throw new CflowError('MODEL', `the stored threshold ${why}: every image would be called good`, {
    subject: 'calibration.threshold',
    hint,
  })
}

/**
 * A threshold of the user's own, with the rate that held-out scores give it; a rate is never guaranteed for it.
 * @throws CflowError USAGE when it is no finite number
 */
export function ownThreshold({ calibration }: Manifest, threshold: number): RatedThreshold {
  if (typeof threshold !== 'number' || !Number.isFinite(threshold))
    throw new CflowError('USAGE', `a threshold is a number, got ${String(threshold)}`, {
      subject: 'threshold',
    })
  const falsePositiveRate = pValue(calibration.scores, threshold)
  return { threshold, guaranteed: false, falsePositiveRate }
}

/** The decision on a score. */
export const verdict = (
  { calibration }: Manifest,
  score: number,
  threshold: RatedThreshold,
): Verdict => ({
  score,
  ...threshold,
  anomalous: score > threshold.threshold,
  pValue: pValue(calibration.scores, score),
})

/**
 * A detection for `JSON.stringify`, which would otherwise write the map's typed array as an object. Where structured
 * cloning is at hand (`postMessage`, `structuredClone`) a detection can be sent as it is.
 */
export const plainDetection = ({
  anomalyMap: map,
  scaleMaps: maps,
  ...rest
}: DetectionOf<Parts> & Partial<ScaleMaps>) => ({
  ...rest,
  ...(map && { anomalyMap: plainMap(map) }),
  ...(maps && { scaleMaps: maps.map(plainMap) }),
})

const plainMap = (map: AnomalyMap) => ({ ...map, data: Array.from(map.data) })

const number = (v: number): string => String(Number(v.toPrecision(3)))

/**
 * A detection in one sentence for people, such as "score 12.3 is above the threshold 9.1 (false alarms on at most 5 % of good
 * images, on average); mostly the coarse scale (stride 32)". The scale is named for anomalous images, where one has at least
 * half the share.
 * @param manifest of the detector: then the sentence says what its threshold promises, as `promiseOf` does
 */
export function explain(detection: DetectionOf<Parts>, manifest?: Manifest): string {
  const { score, threshold, anomalous, falsePositiveRate, guaranteed, contributions } = detection
  const is = anomalous ? 'is above' : 'is not above'
  const doubt = guaranteed ? '' : ', not guaranteed'
  // of a threshold of the user's own nothing is promised
  const isOwn =
    manifest?.calibration.threshold !== threshold &&
    (!manifest ||
      falsePositiveRate >= 1 ||
      thresholdFor(manifest, falsePositiveRate).threshold !== threshold)
  const rate =
    manifest && !isOwn
      ? promiseOf(manifest, falsePositiveRate).brief
      : `false-positive rate ${number(100 * falsePositiveRate)} %${doubt}`
  const sentence = `score ${number(score)} ${is} the threshold ${number(threshold)} (${rate})`
  return anomalous ? sentence + whereFrom(contributions ?? []) : sentence
}

function whereFrom(contributions: readonly Contribution[]): string {
  const [first] = [...contributions].sort((a, b) => b.share - a.share)
  if (!first || first.share === 0 || contributions.length === 1) return ''
  if (first.share < 0.5) return '; all scales have a part in it'
  const strides = [...new Set(contributions.map((c) => c.stride))].sort((a, b) => a - b)
  const name =
    first.stride === strides[0] ? 'fine ' : first.stride === strides.at(-1) ? 'coarse ' : 'middle '
  return `; mostly the ${strides.length === 1 ? '' : name}scale (stride ${number(first.stride)})`
}
