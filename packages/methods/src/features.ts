import { CflowError } from '@cflow/base'
import type { Tap } from '@cflow/core'
import {
  concat,
  gather,
  int64s,
  resizeBilinear,
  resizeNearest,
  shapeText,
  type Value,
} from '@cflow/graph'

/** Channels and size of a feature map [N, channels, height, width]. */
export type MapShape = Pick<Tap, 'channels' | 'height' | 'width'>

/** @throws CflowError SHAPE when the map's size is not known in advance */
export function mapShape(map: Value): MapShape {
  const [, channels, height, width] = map.shape
  if (typeof channels !== 'number' || typeof height !== 'number' || typeof width !== 'number')
    throw new CflowError(
      'SHAPE',
      `a feature map of known size is needed, got ${shapeText(map.shape)}`,
    )
  return { channels, height, width }
}

/** Channels of all taps joined, and the size of the finest one, which is the first. */
export function joinedShape(taps: readonly MapShape[]): MapShape {
  const { height, width } = taps[0] as MapShape
  return { channels: taps.reduce((n, t) => n + t.channels, 0), height, width }
}

/** Numbers of a map. */
export const sizeOfMap = ({ channels, height, width }: MapShape): number =>
  channels * height * width

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
    const { channels: own, height: h, width: w } = mapShape(tap)
    if (height % h !== 0 || width % w !== 0)
      throw new CflowError('SHAPE', `maps of ${h}×${w} do not divide those of ${height}×${width}`, {
        hint: 'use an input size that is a multiple of the encoder’s largest stride',
      })
    const wanted = channels?.filter((c) => c >= from && c < from + own).map((c) => c - from)
    from += own
    if (wanted?.length === 0) continue
    const kept = wanted && wanted.length < own ? gather(tap, int64s(wanted), 1) : tap
    parts.push(h === height && w === width ? kept : resizeNearest(kept, height / h, width / w))
  }
  return concat(parts, 1)
}

/** The same with bilinear upsampling. */
export function joinBilinear(
  taps: readonly Value[],
  corners: 'aligned' | 'half' = 'aligned',
): Value {
  const { height, width } = mapShape(taps[0] as Value)
  return concat(
    taps.map((tap) => {
      const { height: h, width: w } = mapShape(tap)
      return h === height && w === width ? tap : resizeBilinear(tap, height, width, corners)
    }),
    1,
  )
}

/**
 * `joinNearest` of taps that are rows already.
 * @param rows [N, hₖ·wₖ, Dₖ] of each tap, finest first
 * @returns [N, h·w, ΣDₖ]
 */
export function joinRows(rows: readonly Value[], taps: readonly MapShape[]): Value {
  const { height, width } = joinedShape(taps)
  const parts = rows.map((tap, k) => {
    const { height: h, width: w } = taps[k] as MapShape
    if (h === height && w === width) return tap
    const nearest = Array.from({ length: height * width }, (_, p) => {
      const [y, x] = [Math.floor(p / width), p % width]
      return Math.floor((y * h) / height) * w + Math.floor((x * w) / width)
    })
    return gather(tap, int64s(nearest), 1)
  })
  return concat(parts, 2)
}
