import type { Mask } from '@cflow/base'

/**
 * A square map resampled bilinearly to another size. Pixel centres correspond ((i + ½)·S/n − ½), as in the resizing of
 * the image itself, so that what lay on a pixel lies on the same spot afterwards.
 * @param map [size, size]
 * @returns [height, width]; the map itself when nothing changes
 */
export function resampleMap(
  map: Float32Array,
  size: number,
  width: number,
  height: number,
): Float32Array {
  if (width === size && height === size) return map
  const columns = steps(size, width)
  const rows = steps(size, height)
  const out = new Float32Array(width * height)
  rows.forEach(([y0, y1, wy], y) => {
    columns.forEach(([x0, x1, wx], x) => {
      const top = map[y0 * size + x0]! * (1 - wx) + map[y0 * size + x1]! * wx
      const bottom = map[y1 * size + x0]! * (1 - wx) + map[y1 * size + x1]! * wx
      out[y * width + x] = top * (1 - wy) + bottom * wy
    })
  })
  return out
}

function steps(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5))
    const low = Math.floor(at)
    return [low, Math.min(from - 1, low + 1), at - low] as const
  })
}

/** A mask resampled to another size by the nearest pixel. */
export function resampleMask(mask: Mask, width: number, height: number): Mask {
  if (mask.width === width && mask.height === height) return mask
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width
    for (let x = 0; x < width; x++)
      data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)]!
  }
  return { width, height, data }
}
