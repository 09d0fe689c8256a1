import { maskAbove, type AnomalyMap } from '@cflow/detector'
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
  const mask = maskAbove(map, threshold)
  const { labels, count, areas } = connectedComponents(mask.data, map.width, map.height)
  const boxes = Array.from({ length: count }, (_, k) => ({
    left: Infinity,
    top: Infinity,
    right: 0,
    bottom: 0,
    area: areas[k]!,
    peak: -1,
  }))
  for (let y = 0, i = 0; y < map.height; y++)
    for (let x = 0; x < map.width; x++, i++) {
      const label = labels[i]!
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
