import { CflowError } from '@cflow/base'
import { methodTitle, scoredPixels, type Manifest } from '@cflow/core'
import type { AnomalyMap, Detection } from './detection.js'

/** A rectangle of an image, in parts of its width and height: 0 … 1 from the upper left corner. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Methods whose score is the maximum of their map, or the mean of its highest pixels. */
const scoredByMap: readonly string[] = ['cflow', 'padim', 'dfr']

/**
 * Whether a detector's score is one of its map, so that a part of the image can be left out. PatchCore and SPADE weigh theirs by
 * neighbours, DifferNet scores the whole image, and of methods that are not known here nothing is known.
 */
export const canLeaveOut = ({ method }: Pick<Manifest, 'method'>): boolean =>
  scoredByMap.includes(method)

/**
 * A map in which regions do not count: their pixels have the lowest value of the map. A pixel belongs to a region that its centre
 * lies in. Maps cover the whole image, however it came to the detector's square (`manifest.resize`), so that parts of the image
 * are the same parts of the map.
 * @returns a copy; the map itself without regions
 * @throws CflowError USAGE when a region is not four numbers, or its width or height is negative
 */
export function mapOutside(map: AnomalyMap, regions: readonly Region[]): AnomalyMap {
  if (regions.length === 0) return map
  const { width, height } = map
  const data = map.data.slice()
  const lowest = data.reduce((low, v) => Math.min(low, v), Infinity)
  for (const region of regions) {
    checkRegion(region)
    const [left, right] = pixelsOf(region.x, region.width, width)
    const [top, bottom] = pixelsOf(region.y, region.height, height)
    for (let y = top; y < bottom; y++) if (left < right) data.fill(lowest, y * width + left, y * width + right) // prettier-ignore
  }
  return { width, height, data }
}

/** The pixels whose centres lie in a part of an axis of n, from the first to before the second. */
const pixelsOf = (start: number, length: number, n: number): readonly [number, number] => [
  Math.max(0, Math.ceil(start * n - 0.5)),
  Math.min(n, Math.ceil((start + length) * n - 0.5)),
]

function checkRegion(region: Region): void {
  const { x, y, width, height } = region
  if ([x, y, width, height].every(Number.isFinite) && width >= 0 && height >= 0) return
  throw new CflowError('USAGE', `a region is four numbers, got ${JSON.stringify(region)}`, {
    subject: 'regions',
    hint: 'give { x, y, width, height } in parts of the image, 0 to 1',
  })
}

/**
 * The score of an image in which regions do not count (a fixture, a label): that of `mapOutside`, the mean of as many pixels as
 * that of the whole image. It is never above the score of the whole image, so that what the threshold promises about false
 * alarms still holds; an image covered all over has the lowest value of its map. A defect in a region is not found, and one
 * beside it as before.
 * @param detection score and map of the whole image, S×S
 * @throws CflowError USAGE when the detector's score is not one of its map (`canLeaveOut`), or a region is none
 */
export function scoreOutside(
  manifest: Manifest,
  { score, anomalyMap }: Pick<Detection, 'score' | 'anomalyMap'>,
  regions: readonly Region[],
): number {
  if (regions.length === 0) return score
  if (!canLeaveOut(manifest))
    throw new CflowError('USAGE', `${methodTitle(manifest)} does not score an image by its map: no region can be left out`, { subject: 'regions', hint: 'use a detector of CFLOW-AD, PaDiM or DFR' }) // prettier-ignore
  const { data } = mapOutside(anomalyMap, regions)
  const pixels = scoredPixels(data.length, manifest.scoreShare)
  data.sort()
  let sum = 0
  for (let i = data.length - pixels; i < data.length; i++) sum += data[i]!
  // padding belongs to the square that the whole is scored on, not to the map; and float32 rounds
  return Math.min(score, sum / pixels)
}
