import type { Mask } from '@cflow/base'
import type { AnomalyMap } from '@cflow/detector'
import { connectedComponents } from '@cflow/metrics'
import type { Region } from './engine.js'

/** More regions than this are noise; the highest are kept. */
const maxRegions = 100

/**
 * The connected pixels (8 neighbours) of a map above a threshold, the highest peak first, at most 100.
 * @param width of the image, in whose pixels the regions are given
 */
export function regionsOf(
  map: AnomalyMap,
  threshold: number,
  width: number,
  height: number,
): readonly Region[] {
  const area = areaAbove(map, threshold)
  if (!area) return []
  const { mask, x: left, y: top } = area
  const { labels, count, areas } = connectedComponents(mask.data, mask.width, mask.height)
  const boxes = Array.from({ length: count }, (_, k) => ({
    left: Infinity,
    top: Infinity,
    right: 0,
    bottom: 0,
    area: areas[k]!,
    peak: -1,
  }))
  for (let y = top, k = 0; y < top + mask.height; y++)
    for (let x = left, i = y * map.width + x; x < left + mask.width; x++, i++) {
      const label = labels[k++]!
      if (label === 0) continue
      const box = boxes[label - 1]!
      if (x < box.left) box.left = x
      if (y < box.top) box.top = y
      if (x >= box.right) box.right = x + 1
      if (y >= box.bottom) box.bottom = y + 1
      if (box.peak < 0 || map.data[i]! > map.data[box.peak]!) box.peak = i
    }
  const [sx, sy] = [width / map.width, height / map.height]
  return boxes
    .sort((a, b) => map.data[b.peak]! - map.data[a.peak]!)
    .slice(0, maxRegions)
    .map(({ left, top, right, bottom, area, peak }) => {
      const [x, y] = [Math.floor(left * sx), Math.floor(top * sy)]
      return {
        ...{ x, y },
        width: Math.max(1, Math.ceil(right * sx) - x),
        height: Math.max(1, Math.ceil(bottom * sy) - y),
        area: Math.max(1, Math.round(area * sx * sy)),
        peak: {
          x: Math.floor(((peak % map.width) + 0.5) * sx),
          y: Math.floor((Math.floor(peak / map.width) + 0.5) * sy),
          value: map.data[peak]!,
        },
      }
    })
}

/** The part of a map that holds all pixels above a threshold: where it begins, and which they are. */
function areaAbove(
  { width, height, data }: AnomalyMap,
  threshold: number,
): { readonly x: number; readonly y: number; readonly mask: Mask } | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (!(data[i]! > threshold)) continue
      if (x < left) left = x
      if (x > right) right = x
      if (y < top) top = y
      bottom = y
    }
  if (right < 0) return undefined
  const [w, h] = [right - left + 1, bottom - top + 1]
  const mask = new Uint8Array(w * h)
  for (let y = 0, k = 0; y < h; y++)
    for (let x = 0, i = (top + y) * width + left; x < w; x++, i++, k++)
      mask[k] = Number(data[i]! > threshold)
  return { x: left, y: top, mask: { width: w, height: h, data: mask } }
}
