import { requireInteger, requireLength } from './scores.js'

/** Which pixels are neighbours: 4 (edges) or 8 (edges and corners). */
export type Connectivity = 4 | 8

/** The connected components of a mask. */
export interface Components {
  /** `labels[y·width + x]`: 0 is background, components are 1 … count in the order of their first pixel by rows. */
  readonly labels: Int32Array
  readonly count: number
  /** `areas[label − 1]`: pixels of each component. */
  readonly areas: Int32Array
}

/**
 * Labels the connected components of a mask by flood filling, O(width·height).
 *
 * @param mask `mask[y·width + x]`, non-zero is foreground
 * @param connectivity 8 is what PRO is defined with
 * @throws RangeError when the size is not that of the mask, or the connectivity neither 4 nor 8
 */
export function connectedComponents(
  mask: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity = 8,
): Components {
  requireSize('mask', mask.length, width, height)
  if (connectivity !== 4 && connectivity !== 8)
    throw new RangeError(`connectivity must be 4 or 8, got ${String(connectivity)}`)
  const labels = new Int32Array(mask.length)
  const areas: number[] = []
  let foreground = 0
  for (let i = 0; i < mask.length; i++) if (mask[i]) foreground++
  const stack = new Int32Array(foreground)
  for (let seed = 0; seed < mask.length; seed++) {
    if (!mask[seed] || labels[seed]) continue
    const label = areas.length + 1
    let area = 0
    let top = 0
    labels[seed] = label
    stack[top++] = seed
    while (top > 0) {
      const at = stack[--top]!
      area++
      const x = at % width
      const left = x > 0 ? -1 : 0
      const right = x < width - 1 ? 1 : 0
      const up = at >= width ? -width : 0
      const down = at < mask.length - width ? width : 0
      for (let dy = up; dy <= down; dy += width)
        for (let dx = left; dx <= right; dx++) {
          const next = at + dy + dx
          if (connectivity === 4 && dx !== 0 && dy !== 0) continue
          if (!mask[next] || labels[next]) continue
          labels[next] = label
          stack[top++] = next
        }
    }
    areas.push(area)
  }
  return { labels, count: areas.length, areas: Int32Array.from(areas) }
}

/** @throws RangeError unless width and height are positive integers whose product is `length` */
export function requireSize(what: string, length: number, width: number, height: number): void {
  requireInteger('width', width, 1)
  requireInteger('height', height, 1)
  requireLength(what, length, `${width} × ${height}`, width * height)
}

/**
 * A copy of a mask with its holes filled: background from which no path through background reaches
 * the border. Values are 0 and 1.
 *
 * @param mask `mask[y·width + x]`, non-zero is foreground
 * @param connectivity of the background: with 8 a path may slip through a diagonal gap (what
 *   scikit-image's `filled_image` does), with 4 it may not (SciPy's default)
 * @throws RangeError when the size is not that of the mask, or the connectivity neither 4 nor 8
 */
export function fillHoles(
  mask: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity = 4,
): Uint8Array {
  const background = mask.map((value) => (value ? 0 : 1))
  const { labels, count } = connectedComponents(background, width, height, connectivity)
  const open = new Uint8Array(count + 1)
  for (let x = 0; x < width; x++) open[labels[x]!] = open[labels[mask.length - 1 - x]!] = 1
  for (let y = 0; y < height; y++)
    open[labels[y * width]!] = open[labels[y * width + width - 1]!] = 1
  open[0] = 0
  return mask.map((_, i) => (open[labels[i]!] ? 0 : 1))
}
