import { CflowError } from '@cflow/base'
import { concat, gather, int64s, resizeBilinear, resizeNearest, shapeText } from '@cflow/graph'
import type { Value } from '@cflow/graph'

/** Depth and size of a feature map [N, depth, height, width]. */
export interface MapShape {
  readonly depth: number
  readonly height: number
  readonly width: number
}

/** @throws CflowError SHAPE when the map's size is not known in advance */
export function mapShape(map: Value): MapShape {
  const [, depth, height, width] = map.shape
  if (typeof depth !== 'number' || typeof height !== 'number' || typeof width !== 'number')
    throw new CflowError(
      'SHAPE',
      `a feature map of known size is needed, got ${shapeText(map.shape)}`,
    )
  return { depth, height, width }
}

/** Depth of all taps joined, and the size of the finest one, which is the first. */
export function joinedShape(taps: readonly MapShape[]): MapShape {
  const { height, width } = taps[0] as MapShape
  return { depth: taps.reduce((n, t) => n + t.depth, 0), height, width }
}

/**
 * All taps as one map at the finest one's size: coarser ones upsampled (nearest neighbour), channels one after the other.
 * @param taps [N, Dₖ, hₖ, wₖ], finest first
 * @param channels which of the ΣDₖ channels to keep, ascending; all when absent
 * @throws CflowError SHAPE when a tap does not divide the finest one
 */
export function joinNearest(taps: readonly Value[], channels?: readonly number[]): Value {
  const { height, width } = mapShape(taps[0] as Value)
  let from = 0
  const parts: Value[] = []
  for (const tap of taps) {
    const { depth, height: h, width: w } = mapShape(tap)
    if (height % h !== 0 || width % w !== 0)
      throw new CflowError('SHAPE', `maps of ${h}×${w} do not divide those of ${height}×${width}`, {
        hint: 'use an input size that is a multiple of the encoder’s largest stride',
      })
    const own = channels?.filter((c) => c >= from && c < from + depth).map((c) => c - from)
    from += depth
    if (own?.length === 0) continue
    const kept = own && own.length < depth ? gather(tap, int64s(own), 1) : tap
    parts.push(h === height && w === width ? kept : resizeNearest(kept, height / h, width / w))
  }
  return concat(parts, 1)
}

/** The same with bilinear upsampling, corners aligned. */
export function joinBilinear(taps: readonly Value[]): Value {
  const { height, width } = mapShape(taps[0] as Value)
  return concat(
    taps.map((tap) => {
      const { height: h, width: w } = mapShape(tap)
      return h === height && w === width ? tap : resizeBilinear(tap, height, width)
    }),
    1,
  )
}

/**
 * `joinNearest` outside a graph, for one image.
 * @param taps rows [hₖ·wₖ, Dₖ] of each tap, finest first
 * @param into reused where given
 * @returns rows [h·w, ΣDₖ]
 */
export function joinRows(
  taps: readonly Float32Array[],
  shapes: readonly MapShape[],
  into?: Float32Array,
): Float32Array {
  const { depth, height, width } = joinedShape(shapes)
  const rows = into ?? new Float32Array(depth * height * width)
  let offset = 0
  shapes.forEach((shape, k) => {
    const tap = taps[k] as Float32Array
    const [fy, fx] = [height / shape.height, width / shape.width]
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const from = (Math.floor(y / fy) * shape.width + Math.floor(x / fx)) * shape.depth
        rows.set(tap.subarray(from, from + shape.depth), (y * width + x) * depth + offset)
      }
    offset += shape.depth
  })
  return rows
}
