/** The anomaly of every pixel, row by row: `data[y·width + x]`; larger is more anomalous. */
export interface AnomalyMap {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** The part of one scale in the score, at the most anomalous pixel. */
export interface Contribution {
  /** Name of the encoder's tap. */
  readonly tap: string
  /** Input pixels per step of its feature map: small is fine detail, large is coarse. */
  readonly stride: number
  /** Its anomaly there; the values of all scales sum to the score, up to rounding. */
  readonly value: number
  /**
   * Its part in what is unusual, 0 … 1. A scale's excess is its value minus its anomaly at the mean likelihood of
   * held-out good images (`manifest.scales`); the share is the excess over the sum of all positive excesses. A scale
   * without excess has share 0; the shares sum to 1, or to 0 where no scale has any.
   */
  readonly share: number
}

/** What a detector says of one image: plain data, without methods. */
export interface Detection {
  /** Maximum of the anomaly map (the paper's section 4.2). */
  readonly score: number
  readonly threshold: number
  /** score > threshold */
  readonly anomalous: boolean
  /** The rate that the threshold was chosen for: the share of good images reported as anomalous. */
  readonly falsePositiveRate: number
  /**
   * Whether the rate holds for good images like the held-out ones. False where there were too few of them for so small
   * a rate (the threshold is then an extrapolation), or none and the training images took their place.
   */
  readonly guaranteed: boolean
  /** Conformal p-value: the share of good images that would score at least as high (too small without held-out ones). */
  readonly pValue: number
  /** S×S pixels, S = `manifest.inputSize`, whatever the size of the image. */
  readonly anomalyMap: AnomalyMap
  /** In the order of the encoder's taps. */
  readonly contributions: readonly Contribution[]
  /** Time of the model's run for this image, without decoding; in a batch, its part of the batch's run. */
  readonly milliseconds: number
}

/** A detection as plain JSON: the map as a list of numbers, or left out. */
export type PlainDetection = Omit<Detection, 'anomalyMap'> & {
  readonly anomalyMap?: {
    readonly width: number
    readonly height: number
    readonly data: readonly number[]
  }
}

/**
 * A detection for `JSON.stringify`, which would otherwise write the map's typed array as an object. Where structured
 * cloning is at hand (`postMessage`, `structuredClone`) a detection can be sent as it is.
 * @param options.map whether to keep the anomaly map (default true; it is by far the largest part)
 */
export function plainDetection(
  detection: Detection,
  options: { readonly map?: boolean } = {},
): PlainDetection {
  const { anomalyMap, ...rest } = detection
  if (options.map === false) return rest
  return { ...rest, anomalyMap: { ...anomalyMap, data: Array.from(anomalyMap.data) } }
}
