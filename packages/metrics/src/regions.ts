import { connectedComponents, fillHoles, requireSize } from './components.js'
import { allocateLike, requireLength, type FloatArray } from './scores.js'

/** Scores of pixels, each with the area of the region it counts towards. */
export interface RegionScores {
  readonly scores: FloatArray
  /** Pixels in the region that each score belongs to. */
  readonly areas: Uint32Array
}

/** The pixels of one image, or of many, as the pixel metrics need them. */
export interface PixelScores {
  /** Scores of all normal pixels. */
  readonly normal: FloatArray
  /** Scores of all anomalous pixels; regions are 8-connected. */
  readonly anomalous: RegionScores
  /** Scores of the pixels in the holes of regions, once for each region around them. */
  readonly holes: RegionScores
  /** Number of regions. */
  readonly regions: number
}

/**
 * Splits an anomaly map by its mask; copies, so that the map may be reused.
 * @throws RangeError when the sizes differ or a score is NaN
 */
export function pixelScores(
  map: FloatArray,
  mask: Uint8Array,
  width: number,
  height: number,
): PixelScores {
  requireSize('map', map.length, width, height)
  requireLength('mask', mask.length, `${width} × ${height}`, map.length)
  for (let i = 0; i < map.length; i++)
    if (!(map[i]! <= Infinity))
      throw new RangeError(`the map is ${map[i]} at x ${i % width}, y ${Math.floor(i / width)}`)
  if (!mask.some((value) => value !== 0))
    return { normal: map.slice(), anomalous: noPixels(map), holes: noPixels(map), regions: 0 }
  const { labels, count, areas } = connectedComponents(mask, width, height, 8)
  const anomalousCount = areas.reduce((sum, area) => sum + area, 0)
  const normal = allocateLike(map, map.length - anomalousCount)
  const scores = allocateLike(map, anomalousCount)
  const scoreAreas = new Uint32Array(anomalousCount)
  let n = 0
  let a = 0
  for (let i = 0; i < map.length; i++) {
    const label = labels[i]!
    if (label === 0) normal[n++] = map[i]!
    else {
      scoreAreas[a] = areas[label - 1]!
      scores[a++] = map[i]!
    }
  }
  const holes = holeScores(map, labels, areas, width)
  return { normal, anomalous: { scores, areas: scoreAreas }, holes, regions: count }
}

function noPixels(like: FloatArray): RegionScores {
  return { scores: allocateLike(like, 0), areas: new Uint32Array(0) }
}

/** The pixels that filling each region adds to it, by scikit-image's `filled_image`. */
function holeScores(
  map: FloatArray,
  labels: Int32Array,
  areas: Int32Array,
  width: number,
): RegionScores {
  const found: number[] = []
  const foundAreas: number[] = []
  boundingBoxes(labels, areas.length, width).forEach(({ left, top, right, bottom }, k) => {
    const w = right - left + 1
    const h = bottom - top + 1
    if (w < 3 || h < 3 || areas[k] === w * h) return
    const index = (i: number): number => (top + Math.floor(i / w)) * width + left + (i % w)
    const region = new Uint8Array(w * h).map((_, i) => Number(labels[index(i)] === k + 1))
    fillHoles(region, w, h, 8).forEach((filled, i) => {
      if (filled === region[i]) return
      found.push(map[index(i)]!)
      foundAreas.push(areas[k]!)
    })
  })
  const scores = allocateLike(map, found.length)
  scores.set(found)
  return { scores, areas: Uint32Array.from(foundAreas) }
}

/** The bounding box of each label, edges inclusive. */
function boundingBoxes(labels: Int32Array, count: number, width: number) {
  const boxes = Array.from({ length: count }, () => {
    return { left: Infinity, top: Infinity, right: -1, bottom: -1 }
  })
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue
    const box = boxes[labels[i]! - 1]!
    const x = i % width
    const y = (i - x) / width
    box.left = Math.min(box.left, x)
    box.top = Math.min(box.top, y)
    box.right = Math.max(box.right, x)
    box.bottom = Math.max(box.bottom, y)
  }
  return boxes
}
