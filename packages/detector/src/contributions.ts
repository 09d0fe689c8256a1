import {
  anomalyOf,
  paddedExtent,
  upsampledAnomaly,
  type Manifest,
  type ScaleStatistics,
} from '@cflow/core'
import type { AnomalyMap, Contribution } from './detection.js'

/** Log-likelihoods per dimension of one image at one scale: `data[y·width + x]`. */
export interface ScaleMap {
  readonly width: number
  readonly height: number
  readonly data: ArrayLike<number>
}

/**
 * Each scale's part of the anomaly at one pixel of the anomaly map. Likelihood becomes anomaly before the upsampling,
 * as in the model's graph, so the values sum to the map's value there, or their soft minimum is it.
 * @param scales the image's likelihoods, one map per scale of the manifest
 * @param pixel index y·S + x into the anomaly map of S×S
 * @param image its size, for a detector that pads
 */
export function contributionsAt(
  manifest: Manifest,
  scales: readonly ScaleMap[],
  pixel: number,
  image?: { readonly width: number; readonly height: number },
): readonly Contribution[] {
  const { aggregation, encoder, inputSize } = manifest
  const onSquare = squareOf(manifest, image)
  const x = onSquare(pixel % inputSize, 'x')
  const y = onSquare(Math.floor(pixel / inputSize), 'y')
  // a method may join all taps into one scale (PaDiM); its name is then that of all of them
  const joined = encoder.taps.map((t) => t.name).join('+')
  const parts = scales.map((scale, k) => {
    const statistics = manifest.scales[k] as ScaleStatistics
    const value = upsampledAnomaly(aggregation, statistics, (of) =>
      bilinear(scale, x, y, inputSize, of),
    )
    const tap = manifest.flows.length > 0 || encoder.taps.length === scales.length ? encoder.taps[k] : undefined // prettier-ignore
    return {
      tap: tap ? nameOf(tap) : (manifest.memory?.taps.join('+') ?? joined),
      stride: tap?.stride ?? inputSize / scale.height,
      value,
      share: Math.max(0, value - anomalyOf(aggregation, statistics, statistics.mean)),
    }
  })
  const total = parts.reduce((sum, p) => sum + p.share, 0)
  return parts.map((p) => ({ ...p, share: total > 0 ? p.share / total : 0 }))
}

/**
 * Each scale's anomaly alone, of every pixel of the anomaly map: at the pixel of `contributionsAt`, its value.
 * @param image its size, for a detector that pads
 */
export function scaleMapsOf(
  manifest: Manifest,
  scales: readonly ScaleMap[],
  image?: { readonly width: number; readonly height: number },
): readonly AnomalyMap[] {
  const { aggregation, inputSize: size } = manifest
  const onSquare = squareOf(manifest, image)
  return scales.map((scale, k) => {
    const statistics = manifest.scales[k] as ScaleStatistics
    const data = new Float32Array(size * size)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        data[y * size + x] = upsampledAnomaly(aggregation, statistics, (of) =>
          bilinear(scale, onSquare(x, 'x'), onSquare(y, 'y'), size, of),
        )
    return { width: size, height: size, data }
  })
}

/** Where a pixel of the map lies on the square that the encoder sees. */
function squareOf(
  { inputSize, resize }: Manifest,
  image: { readonly width: number; readonly height: number } | undefined,
): (i: number, axis: 'x' | 'y') => number {
  const padded = image && resize === 'pad' ? paddedExtent(image, inputSize) : undefined
  if (!padded) return (i) => i
  return (i, axis) => {
    const { before, length } = padded[axis]
    return before + Math.min(Math.max(((i + 0.5) * length) / inputSize - 0.5, 0), length - 1)
  }
}

/** A tap's name, with the neighbourhood that it is averaged over, where it is. */
const nameOf = ({ name, neighbourhood: side = 1 }: Manifest['encoder']['taps'][number]): string =>
  side === 1 ? name : `${name} ${side}×${side}`

/** Value at pixel (x, y) of a map upsampled to size×size, bilinear with aligned corners, after `f`. */
function bilinear(
  { width, height, data }: ScaleMap,
  x: number,
  y: number,
  size: number,
  f: (l: number) => number,
): number {
  const axis = (i: number, n: number) => {
    const position = size > 1 ? (i * (n - 1)) / (size - 1) : 0
    const low = Math.min(Math.floor(position), n - 1)
    return { low, high: Math.min(low + 1, n - 1), weight: position - low }
  }
  const [u, v] = [axis(x, width), axis(y, height)]
  const at = (row: number, column: number) => f(data[row * width + column] as number)
  const row = (r: number) => at(r, u.low) * (1 - u.weight) + at(r, u.high) * u.weight
  return row(v.low) * (1 - v.weight) + row(v.high) * v.weight
}
