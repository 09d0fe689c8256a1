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
function resample({ width, height, data }: RgbImage, size: number, rows: boolean): RgbImage {
  const to = rows ? { width: size, height } : { width, height: size }
  const out = new Uint8ClampedArray(to.width * to.height * 3)
  const taps = filterTaps(rows ? width : height, size)
  const step = rows ? 3 : width * 3
  const half = 1 << (fractionBits - 1)
  for (let y = 0, at = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++, at += 3) {
      const { first, weights } = taps[rows ? x : y]!
      let [r, g, b] = [half, half, half]
      let from = (rows ? y * width + first : first * width + x) * 3
      for (let i = 0; i < weights.length; i++, from += step) {
        const weight = weights[i]!
        r += weight * data[from]!
        g += weight * data[from + 1]!
        b += weight * data[from + 2]!
      }
      out[at] = r >> fractionBits
      out[at + 1] = g >> fractionBits
      out[at + 2] = b >> fractionBits
    }
  return { ...to, data: new Uint8Array(out.buffer) }
}

/** Per output position, its first source pixel and the fixed-point weights of those from there on. */
function filterTaps(from: number, to: number) {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = 3 * stretch
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(Math.trunc(centre - support + 0.5), 0)
    const last = Math.min(Math.trunc(centre + support + 0.5), from)
    const exact = Float64Array.from({ length: last - first }, (_, k) =>
      lanczos3((k + first - centre + 0.5) * (1 / stretch)),
    )
    const sum = exact.reduce((a, b) => a + b, 0)
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
  const columns = nearestSources(mask.width, width)
  const rows = nearestSources(mask.height, height)
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const from = rows[y]! * mask.width
    for (let x = 0; x < width; x++) data[y * width + x] = mask.data[from + columns[x]!]!
  }
  return { width, height, data }
}

/** Of each of `to` columns or rows the one of `from` that `resizeMaskNearest` takes. */
export function nearestSources(from: number, to: number): Int32Array {
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
