import { encodePixels, detectorNames, imageInput, manifestKey, resample } from '@cflow/core'
import type { Encoder, Manifest } from '@cflow/core'
import { reduceMax, reduceMean, reshape, resizeBilinear, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { blur } from './gaussian.js'

/** What a detector says of a batch. */
export interface Verdicts {
  /** Anomaly map [N, S, S] */
  readonly map: Value
  /** [N] */
  readonly score: Value
}

/** A trained baseline: from feature maps [N, Dₖ, hₖ, wₖ], finest first, to maps of `size` pixels and scores. */
export type Head = (taps: readonly Value[], size: number) => Verdicts

/**
 * Feature maps of an image at full size, half size, quarter size …: the taps of each level one after the other.
 * @param pixels float32 [N, 3, S, S] in 0 … 255
 * @param levels 1 for the image alone
 */
export function pyramidTaps(pixels: Value, encoder: Encoder, levels: number): readonly Value[] {
  const taps: Value[] = []
  let planes = pixels
  for (let level = 0; level < levels; level++) {
    if (level > 0) planes = halved(planes)
    taps.push(...encodePixels(planes, encoder))
  }
  return taps
}

/** Every 2×2 pixels averaged. */
function halved(planes: Value): Value {
  const size = (planes.shape[2] as number) / 2
  return reshape(reduceMean(reshape(planes, [-1, 3, size, 2, size, 2]), [3, 5]), [
    -1,
    3,
    size,
    size,
  ])
}

/** A map of positions [N, h, w] as an anomaly map [N, S, S], and its maximum as the score. */
export function mapVerdicts(
  positions: Value,
  size: number,
  options: { readonly corners: 'aligned' | 'half'; readonly blurred: boolean },
): Verdicts {
  const [, h, w] = positions.shape as readonly number[]
  const up = resizeBilinear(
    reshape(positions, [-1, 1, h as number, w as number]),
    size,
    size,
    options.corners,
  )
  const map = reshape(options.blurred ? blur(up) : up, [-1, size, size])
  return { map, score: reduceMax(map, [1, 2]) }
}

/** Outputs of the detector graph over an image input, uint8 [N, H, W, 3]. */
export function headOutputs(
  encoder: Encoder,
  levels: number,
  head: Head,
  size: number,
): Record<string, Value> {
  const { map, score } = head(pyramidTaps(resample(imageInput(), size), encoder, levels), size)
  return { [detectorNames.anomalyMap]: map, [detectorNames.score]: score }
}

/** The detector file: as `writeDetector` of @cflow/core, without outputs by scale. */
export function writeHead(
  encoder: Encoder,
  levels: number,
  head: Head,
  manifest: Manifest,
): Uint8Array {
  return writeOnnx(headOutputs(encoder, levels, head, manifest.inputSize), {
    name: `${manifest.method} detector`,
    metadata: { [manifestKey]: JSON.stringify(manifest) },
    producer: manifest.software,
  })
}
