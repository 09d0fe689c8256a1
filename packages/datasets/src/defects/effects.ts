import type { Random, RgbImage } from '@cflow/base'
import { cos, sin } from '../synthetic/maths.js'
import { fractal, grain } from '../synthetic/noise.js'
import type { Region } from './regions.js'

/** Colours of a region's pixels, [pixel, channel] in the region's order, 0 to 255. */
type Colours = Float64Array

/**
 * What a defect does to the pixels of its region.
 * @param effort 0 for the first try, more where the tries before could hardly be seen
 */
export type Effect = (image: RgbImage, region: Region, random: Random, effort: number) => Colours

const turn = 6.283185307179586

const sign = (random: Random): number => (random.integer(2) === 0 ? -1 : 1)

/** Another part of the image laid over the region, a little lighter or darker (CutPaste, Li et al. 2021). */
export const pasted =
  (jitter: number): Effect =>
  (image, { pixels }, random, effort) => {
    const { width, height, data } = image
    const box = boxOf(pixels, width)
    const wide = Math.max(1, width - box.wide)
    const high = Math.max(1, height - box.high)
    // far enough away to be another thing
    let [dx, dy] = [0, 0]
    for (let tries = 0; tries < 20; tries++) {
      dx = random.integer(wide) - box.left
      dy = random.integer(high) - box.top
      if (Math.abs(dx) > box.wide / 2 || Math.abs(dy) > box.high / 2) break
    }
    const mirrored = random.integer(2) === 1
    const light = sign(random) * random.uniform(0.3, 1) * jitter * (1 + effort)
    const out = new Float64Array(pixels.length * 3)
    pixels.forEach((at, i) => {
      const x = at % width
      const y = (at - x) / width
      const column = mirrored ? 2 * box.left + box.wide - 1 - x : x
      const from = ((y + dy) * width + column + dx) * 3
      for (let c = 0; c < 3; c++) out[3 * i + c] = data[from + c]! + light
    })
    return out
  }

/** A foreign texture over the region (as DRAEM, Zavrtanik et al. 2021, takes photographs of textures; these are drawn). */
export const textured: Effect = ({ width, data }, { pixels }, random, effort) => {
  const seed = random.integer(1 << 16)
  const kind = random.integer(4)
  const angle = random.uniform(0, turn)
  const [c, s] = [cos(angle), sin(angle)]
  const period = random.uniform(3, 4 + 0.5 * Math.sqrt(pixels.length))
  const [one, two] = [colour(random), colour(random)]
  const opacity = Math.min(1, random.uniform(0.35, 0.9) + 0.2 * effort)
  const amount = (x: number, y: number, at: number): number => {
    const [u, v] = [(x * c + y * s) / period, (y * c - x * s) / period]
    if (kind === 0) return 0.5 + 0.5 * sin(u * turn)
    if (kind === 1) return (Math.floor(u) + Math.floor(v)) & 1
    if (kind === 2) return 0.5 + 0.7 * fractal(u, v, seed, 4)
    return 0.5 + 0.4 * grain(at, seed)
  }
  const out = new Float64Array(pixels.length * 3)
  pixels.forEach((at, i) => {
    const x = at % width
    const t = Math.min(1, Math.max(0, amount(x, (at - x) / width, at)))
    for (let k = 0; k < 3; k++) {
      const drawn = one[k]! * (1 - t) + two[k]! * t
      out[3 * i + k] = data[at * 3 + k]! * (1 - opacity) + drawn * opacity
    }
  })
  return out
}

const colour = (random: Random): readonly number[] => {
  const grey = random.uniform(0, 255)
  const hue = random.uniform(0, 60)
  return [0, 1, 2].map(() => grey + random.uniform(-hue, hue))
}

/** The region out of focus: means over a neighbourhood, three times, nearly a Gaussian. */
export const blurred: Effect = (image, { pixels }, random, effort) => {
  const { width, height, data } = image
  const side = Math.sqrt(pixels.length)
  const radius = Math.max(1, Math.round(side * random.uniform(0.06, 0.14) * (1 + effort)))
  const box = boxOf(pixels, width)
  const margin = 3 * radius
  const left = Math.max(0, box.left - margin)
  const top = Math.max(0, box.top - margin)
  const wide = Math.min(width, box.left + box.wide + margin) - left
  const high = Math.min(height, box.top + box.high + margin) - top
  let part = new Float64Array(wide * high * 3)
  for (let y = 0; y < high; y++) {
    const from = ((y + top) * width + left) * 3
    part.set(data.subarray(from, from + wide * 3), y * wide * 3)
  }
  for (let i = 0; i < 3; i++)
    part = boxBlur(boxBlur(part, high, wide, wide * 3, 3, radius), wide, high, 3, wide * 3, radius)
  const out = new Float64Array(pixels.length * 3)
  pixels.forEach((at, i) => {
    const x = at % width
    const from = (((at - x) / width - top) * wide + x - left) * 3
    for (let c = 0; c < 3; c++) out[3 * i + c] = part[from + c]!
  })
  return out
}

/** Means over 2·radius + 1 values along lines of `length` values that lie `step` apart; at the ends over fewer. */
function boxBlur(
  values: Float64Array,
  lines: number,
  length: number,
  lineStep: number,
  step: number,
  radius: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(values.length)
  for (let line = 0; line < lines; line++)
    for (let c = 0; c < 3; c++) {
      const at = (i: number) => line * lineStep + i * step + c
      let [sum, from, to] = [0, 0, 0]
      for (let i = 0; i < length; i++) {
        while (to < length && to <= i + radius) sum += values[at(to++)]!
        while (from < i - radius) sum -= values[at(from++)]!
        out[at(i)] = sum / (to - from)
      }
    }
  return out
}

/** A stain, a shadow or a shine: lighter, darker or of another colour, strongest in the middle. */
export const stained: Effect = ({ data }, { pixels, strength }, random, effort) => {
  const light = sign(random) * random.uniform(25, 70) * (1 + effort)
  const tinted = random.integer(2) === 1
  const shift = [0, 1, 2].map(() => light * (tinted ? random.uniform(-0.6, 1) : 1))
  const out = new Float64Array(pixels.length * 3)
  pixels.forEach((at, i) => {
    const weight = 0.4 + 0.6 * Math.min(1, 2 * strength[i]!)
    for (let c = 0; c < 3; c++) out[3 * i + c] = data[at * 3 + c]! + shift[c]! * weight
  })
  return out
}

/** What can be seen on any image: black where it is light, white where it is dark. */
export const opposed: Effect = ({ data }, { pixels }) => {
  const out = new Float64Array(pixels.length * 3)
  pixels.forEach((at, i) => {
    for (let c = 0; c < 3; c++) out[3 * i + c] = data[at * 3 + c]! < 128 ? 255 : 0
  })
  return out
}

/** The rectangle around pixels. */
function boxOf(pixels: Int32Array, width: number) {
  let [left, right, top, bottom] = [Infinity, 0, Infinity, 0]
  for (const at of pixels) {
    const x = at % width
    const y = (at - x) / width
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  return { left, top, wide: right - left + 1, high: bottom - top + 1 }
}
