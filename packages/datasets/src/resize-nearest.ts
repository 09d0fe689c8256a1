import type { Mask } from '@cflow/base'
import { checkSize } from './size.js'

/**
 * Resize a mask to `width`×`height` pixels by nearest neighbour, exactly as Pillow's `resize(…, NEAREST)`:
 * the source of column x is ⌊(x + ½)·W/width⌋, the step summed up in float64 as Pillow sums it.
 * Values are copied, so whatever they mean survives.
 * @throws CflowError USAGE for a size that is no image size
 */
export function resizeMaskNearest(mask: Mask, width: number, height: number): Mask {
  checkSize(width, height)
  const columns = sources(mask.width, width)
  const rows = sources(mask.height, height)
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const from = rows[y]! * mask.width
    for (let x = 0; x < width; x++) data[y * width + x] = mask.data[from + columns[x]!]!
  }
  return { width, height, data }
}

function sources(from: number, to: number): Int32Array {
  const step = from / to
  const out = new Int32Array(to)
  let position = step * 0.5
  for (let i = 0; i < to; i++) {
    out[i] = Math.min(Math.floor(position), from - 1)
    position += step
  }
  return out
}
