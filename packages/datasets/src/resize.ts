import { CflowError, type Mask, type RgbImage } from '@cflow/base'

const fractionBits = 22

/**
 * Resize an image to `width`×`height` pixels with Pillow's antialiased Lanczos filter (support 3, stretched by the
 * scale when shrinking), exactly: coefficients in 22-bit fixed point, horizontal pass first, rounded to uint8 after
 * each pass, a pass left out where its size does not change. (Pillow 13 takes the vertical pass first where that is
 * cheaper, as from 63×41 to 64×20; those few shapes then differ in rounding.) For thumbnails and tests: a detector resizes inside
 * its graph.
 * @throws CflowError USAGE for a size that is no image size
 */
export function resizeLanczos(image: RgbImage, width: number, height: number): RgbImage {
  checkSize(width, height)
  const wide = width === image.width ? image : resample(image, width, true)
  if (height !== wide.height) return resample(wide, height, false)
  return wide === image ? { width, height, data: image.data.slice() } : wide
}

/** One pass: along the rows to a width of `size`, or along the columns to such a height. */
function resample(image: RgbImage, size: number, rows: boolean): RgbImage {
  const [width, height] = rows ? [size, image.height] : [image.width, size]
  const data = new Uint8Array(width * height * 3)
  const taps = filterTaps(rows ? image.width : image.height, size)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const { first, weights } = taps[rows ? x : y]!
      const at = rows ? y * image.width + first : first * width + x
      weigh(image.data, at * 3, rows ? 3 : width * 3, weights, data, (y * width + x) * 3)
    }
  return { width, height, data }
}

function weigh(
  from: Uint8Array,
  at: number,
  step: number,
  weights: Int32Array,
  to: Uint8Array,
  out: number,
): void {
  const half = 1 << (fractionBits - 1)
  let r = half
  let g = half
  let b = half
  for (let i = 0, p = at; i < weights.length; i++, p += step) {
    const w = weights[i]!
    r += w * from[p]!
    g += w * from[p + 1]!
    b += w * from[p + 2]!
  }
  to[out] = clip(r)
  to[out + 1] = clip(g)
  to[out + 2] = clip(b)
}

function clip(sum: number): number {
  const v = sum >> fractionBits
  return v < 0 ? 0 : v > 255 ? 255 : v
}

/** The source pixels of one output position and their fixed-point weights. */
interface Taps {
  readonly first: number
  readonly weights: Int32Array
}

function filterTaps(from: number, to: number): Taps[] {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = 3 * stretch
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(Math.trunc(centre - support + 0.5), 0)
    const last = Math.min(Math.trunc(centre + support + 0.5), from)
    const exact = new Float64Array(last - first)
    let sum = 0
    for (let k = 0; k < exact.length; k++) {
      exact[k] = lanczos3((k + first - centre + 0.5) * (1 / stretch))
      sum += exact[k]!
    }
    const weights = Int32Array.from(exact, (w) => {
      const fixed = (w / sum) * (1 << fractionBits)
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5)
    })
    return { first, weights }
  })
}

function lanczos3(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
}

function sinc(x: number): number {
  if (x === 0) return 1
  const t = x * Math.PI
  return Math.sin(t) / t
}

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

/**
 * Check the size of an image to be made.
 * @throws CflowError USAGE unless both are whole numbers from 1 to 32767 pixels
 */
function checkSize(width: number, height: number): void {
  const fits = (n: number): boolean => Number.isInteger(n) && n >= 1 && n < 32768
  if (!fits(width) || !fits(height))
    throw new CflowError('USAGE', `an image cannot be ${width}×${height} pixels`, {
      hint: 'Width and height are whole numbers from 1 to 32767.',
    })
}
