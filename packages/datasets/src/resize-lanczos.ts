import type { RgbImage } from '@cflow/base'
import { checkSize } from './size.js'

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
  const wide = width === image.width ? image : resizeColumns(image, width)
  if (height !== wide.height) return resizeRows(wide, height)
  return wide === image ? { width, height, data: image.data.slice() } : wide
}

function resizeColumns(image: RgbImage, width: number): RgbImage {
  const { height } = image
  const data = new Uint8Array(width * height * 3)
  const taps = filterTaps(image.width, width)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const { first, weights } = taps[x]!
      const at = (y * image.width + first) * 3
      weigh(image.data, at, 3, weights, data, (y * width + x) * 3)
    }
  return { width, height, data }
}

function resizeRows(image: RgbImage, height: number): RgbImage {
  const { width } = image
  const data = new Uint8Array(width * height * 3)
  const taps = filterTaps(image.height, height)
  for (let y = 0; y < height; y++) {
    const { first, weights } = taps[y]!
    for (let x = 0; x < width; x++) {
      const at = (first * width + x) * 3
      weigh(image.data, at, width * 3, weights, data, (y * width + x) * 3)
    }
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
