import { connectedComponents, requireSize, type Connectivity } from './components.js'

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
  requireSize('mask', mask.length, width, height)
  const background = mask.map((value) => (value ? 0 : 1))
  const { labels, count } = connectedComponents(background, width, height, connectivity)
  const open = new Uint8Array(count + 1)
  for (let x = 0; x < width; x++) {
    open[labels[x]!] = 1
    open[labels[mask.length - 1 - x]!] = 1
  }
  for (let y = 0; y < height; y++) {
    open[labels[y * width]!] = 1
    open[labels[y * width + width - 1]!] = 1
  }
  open[0] = 0
  return mask.map((_, i) => (open[labels[i]!] ? 0 : 1))
}
