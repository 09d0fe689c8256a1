import { ordered, type Mask } from '@cflow/base'
import { nearestSources, resizeMaskNearest, type Sample } from '@cflow/datasets'
import { connectedComponents, type MappedImage } from '@cflow/metrics'
import { resampleMap } from '@cflow/report'

/** Where pixels are compared: at the size of each mask, or at a number of pixels in both directions. */
export type EvaluateAt = 'mask' | number

/** At which size the pixel metrics were taken, and what of the masks is in them. */
export interface Resolution {
  readonly at: EvaluateAt
  /** 8-connected regions of the masks at their own size, where they were counted. */
  readonly regions?: number
  /** How many of them have no pixel at the size of the anomaly maps (where `at` is a number: at that size). */
  readonly vanishing?: number
}

/**
 * At which size pixels are compared. Unless it is said, that is the size of the anomaly maps; or, where a region of a mask
 * would have no pixel left there, the masks' own. Frames of videos stay at the size of the maps.
 * @param size S of the anomaly maps, S×S
 */
export async function resolutionFor(
  samples: readonly Sample[],
  size: number,
  asked: EvaluateAt | undefined,
): Promise<Resolution> {
  const masked = samples.filter((s) => s.loadMask !== undefined)
  if (masked.length === 0 || asked === 'mask') return { at: asked ?? size }
  if (asked === undefined && masked.some((s) => s.sequence !== undefined)) return { at: size }
  const to = asked ?? size
  let [regions, vanishing] = [0, 0]
  for await (const counts of ordered(masked, async (s) => countRegions(await s.loadMask!(), to))) {
    regions += counts.regions
    vanishing += counts.vanishing
  }
  return { at: asked ?? (vanishing > 0 ? 'mask' : size), regions, vanishing }
}

/** The 8-connected regions of a mask, and how many of them no pixel shows when it is resized to `size`×`size`. */
export function countRegions({ width, height, data }: Mask, size: number) {
  const { labels, count } = connectedComponents(data, width, height)
  if (width <= size && height <= size) return { regions: count, vanishing: 0 }
  const seen = new Uint8Array(count + 1)
  const columns = nearestSources(width, size)
  for (const row of nearestSources(height, size))
    for (const column of columns) seen[labels[row * width + column]!] = 1
  seen[0] = 1
  return { regions: count, vanishing: seen.reduce((n, v) => n + 1 - v, 0) }
}

/**
 * An anomaly map and its mask at the size at which they are compared: maps bilinearly, masks by the nearest pixel.
 * @param image whose size stands for that of the mask where there is none
 */
export function atResolution(
  map: { readonly width: number; readonly height: number; readonly data: Float32Array },
  mask: Mask | undefined,
  image: { readonly width: number; readonly height: number },
  at: EvaluateAt,
): Pick<MappedImage, 'anomalyMap' | 'mask'> {
  const { width, height } = at === 'mask' ? (mask ?? image) : { width: at, height: at }
  const anomalyMap = resampleMap(map, width, height)
  return { anomalyMap, ...(mask && { mask: resized(mask, width, height) }) }
}

const resized = (mask: Mask, width: number, height: number): Mask =>
  mask.width === width && mask.height === height ? mask : resizeMaskNearest(mask, width, height)

/** A mask for a picture of `size`×`size`: by the nearest pixel, unless a region would vanish; then whatever a pixel touches. */
export function maskForPicture(mask: Mask, size: number): Mask {
  if (countRegions(mask, size).vanishing === 0) return resizeMaskNearest(mask, size, size)
  const data = new Uint8Array(size * size)
  const { width, height } = mask
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue
    const x = i % width
    const y = (i - x) / width
    data[Math.floor((y * size) / height) * size + Math.floor((x * size) / width)] = 1
  }
  return { width: size, height: size, data }
}
