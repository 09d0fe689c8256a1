import { CflowError, type RgbImage } from '@cflow/base'
import { maskAbove, type AnomalyMap } from '@cflow/detector'
import { drawOutline, resampleMap, type Colour } from './picture.js'

/** Anomaly scores at the two ends of the colours: at `low` and below nothing is painted, at `high` and above all. */
export interface HeatRange {
  readonly low: number
  readonly high: number
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
export function heatRange(maps: readonly AnomalyMap[], threshold: number): HeatRange {
  const values = sampled(maps.map((map) => map.data))
  if (values.length === 0) return { low: 0, high: 1 }
  const low = values[Math.floor((values.length - 1) / 2)]!
  const high = values.at(-1)!
  if (Number.isFinite(threshold) && threshold > low)
    return { low, high: low + (threshold - low) / thresholdColour }
  return { low, high: high > low ? high : low + 1 }
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

/**
 * A picture with its anomaly map over it as colours: low scores leave the picture as it is, the highest cover it to
 * 70 %, from blue through yellow to red. Pure; runs in browsers.
 * @param map upsampled bilinearly to the image where the sizes differ
 * @param contour draws the outline of the predicted mask: where the map is above this threshold
 * @throws CflowError SHAPE when the map or the image is not of its size
 */
export function heatmapOverlay(
  image: RgbImage,
  map: AnomalyMap,
  range: HeatRange,
  contour?: number,
): RgbImage {
  const { width, height } = image
  if (map.data.length !== map.width * map.height || image.data.length !== width * height * 3)
    throw new CflowError(
      'SHAPE',
      `a map of ${map.width}×${map.height} for an image of ${width}×${height} does not fit arrays of ${map.data.length} and ${image.data.length}`,
    )
  const fitted = resampleMap(map, width, height)
  const data = Uint8Array.from(image.data)
  const span = range.high - range.low
  const colours = Array.from({ length: 256 }, (_, i) => heatColour(i / 255))
  for (let i = 0; i < fitted.data.length; i++) {
    const t = Math.min(1, (fitted.data[i]! - range.low) / span)
    if (!(t > 0)) continue
    const alpha = 0.7 * heatAlpha(t)
    const colour = colours[Math.round(t * 255)]!
    for (let c = 0; c < 3; c++)
      data[i * 3 + c] = Math.round(data[i * 3 + c]! * (1 - alpha) + colour[c]! * alpha)
  }
  const painted = { width, height, data }
  if (contour !== undefined) drawOutline(painted, maskAbove(fitted, contour), [255, 255, 255])
  return painted
}

/** Colour at t in 0..1 of the range: Turbo without its nearly black ends, which would look like shadows. */
export function heatColour(t: number): Colour {
  return turbo(0.1 + 0.83 * Math.min(1, Math.max(0, t)))
}

/** Opacity of the colour at t in 0..1: none at first, full from the threshold's colour on, smooth between. */
export function heatAlpha(t: number): number {
  const x = Math.min(1, Math.max(0, (t - faint) / (thresholdColour - faint)))
  return x * x * (3 - 2 * x)
}

/**
 * Google's Turbo colour map (A. Mikhailov 2019, Apache-2.0), its published polynomial fit: blue, green, yellow, red in
 * smooth steps, without the false edges of "jet".
 */
const red = [0.13572138, 4.6153926, -42.66032258, 132.13108234, -152.94239396, 59.28637943]
const green = [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604]
const blue = [0.1066733, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973]

/** Colour of t in 0..1: red, green and blue in 0..255. */
function turbo(t: number): Colour {
  const channel = (coefficients: readonly number[]): number => {
    const value = coefficients.reduceRight((sum, c) => sum * t + c, 0)
    return Math.round(255 * Math.min(1, Math.max(0, value)))
  }
  return [channel(red), channel(green), channel(blue)]
}
