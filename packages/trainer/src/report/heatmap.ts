import { CflowError } from '@cflow/base'
import type { Mask, RgbImage } from '@cflow/base'
import { turbo } from './colour-map.js'
import { drawOutline } from './outline.js'
import { resampleMap } from './resample.js'

/** Anomaly scores at the two ends of the colours: at `low` and below nothing is painted, at `high` and above all. */
export interface HeatRange {
  readonly low: number
  readonly high: number
}

export interface HeatmapOptions {
  /** Draw the outline of the predicted mask: where the map is above this threshold. */
  readonly contour?: number
  /** How strongly the highest scores cover the picture, 0..1; 0.7 unless given. */
  readonly opacity?: number
}

/** Where on the colours (0..1) `heatRange` puts the threshold: the step from yellow to orange. */
export const thresholdColour = 0.65

/** Up to here on the colours nothing is painted: ordinary noise. */
const faint = 0.2

/**
 * A range in which colours mean the same in every picture: nothing is painted up to the median of the maps, which is
 * what normal pixels look like, and the threshold lies at `thresholdColour`. Without a usable threshold it runs to the
 * largest score.
 * @param maps anomaly maps of the images that are shown together
 */
export function heatRange(maps: readonly Float32Array[], threshold: number): HeatRange {
  const values = sampled(maps)
  if (values.length === 0) return { low: 0, high: 1 }
  const low = values[Math.floor((values.length - 1) / 2)]!
  const high = values.at(-1)!
  if (Number.isFinite(threshold) && threshold > low)
    return { low, high: low + (threshold - low) / thresholdColour }
  return { low, high: high > low ? high : low + 1 }
}

/**
 * A picture with its anomaly map over it as colours: low scores leave the picture as it is, high ones cover it from
 * blue through yellow to red. Pure; runs in browsers.
 * @param map [mapSize, mapSize], upsampled bilinearly to the image where the sizes differ
 * @throws CflowError SHAPE when the map or the image is not of its size
 */
export function heatmapOverlay(
  image: RgbImage,
  map: Float32Array,
  mapSize: number,
  range: HeatRange,
  options: HeatmapOptions = {},
): RgbImage {
  const { width, height } = image
  if (map.length !== mapSize * mapSize || image.data.length !== width * height * 3)
    throw new CflowError(
      'SHAPE',
      `a map of ${mapSize}×${mapSize} for an image of ${width}×${height} does not fit arrays of ${map.length} and ${image.data.length}`,
    )
  const fitted = resampleMap(map, mapSize, width, height)
  const data = Uint8Array.from(image.data)
  const span = range.high - range.low
  const strongest = options.opacity ?? 0.7
  const colours = Array.from({ length: 256 }, (_, i) => heatColour(i / 255))
  for (let i = 0; i < fitted.length; i++) {
    const t = Math.min(1, (fitted[i]! - range.low) / span)
    if (!(t > 0)) continue
    const alpha = strongest * heatAlpha(t)
    const colour = colours[Math.round(t * 255)]!
    for (let c = 0; c < 3; c++)
      data[i * 3 + c] = Math.round(data[i * 3 + c]! * (1 - alpha) + colour[c]! * alpha)
  }
  const painted = { width, height, data }
  if (options.contour !== undefined)
    drawOutline(painted, maskAbove(fitted, width, height, options.contour), [255, 255, 255])
  return painted
}

/** Colour at t in 0..1 of the range: Turbo without its nearly black ends, which would look like shadows. */
export function heatColour(t: number): readonly [number, number, number] {
  return turbo(0.1 + 0.83 * Math.min(1, Math.max(0, t)))
}

/** Opacity of the colour at t in 0..1: none at first, full from the threshold's colour on, smooth between. */
export function heatAlpha(t: number): number {
  const x = Math.min(1, Math.max(0, (t - faint) / (thresholdColour - faint)))
  return x * x * (3 - 2 * x)
}

/** Where a map lies above a threshold: the predicted mask. */
export function maskAbove(
  map: Float32Array,
  width: number,
  height: number,
  threshold: number,
): Mask {
  return { width, height, data: Uint8Array.from(map, (v) => (v > threshold ? 1 : 0)) }
}

/** Finite values of the maps in ascending order; of many, every n-th. */
function sampled(maps: readonly Float32Array[]): Float32Array {
  const total = maps.reduce((sum, map) => sum + map.length, 0)
  const step = Math.max(1, Math.floor(total / 200_000))
  const values: number[] = []
  for (const map of maps)
    for (let i = 0; i < map.length; i += step) if (Number.isFinite(map[i]!)) values.push(map[i]!)
  return Float32Array.from(values).sort()
}
