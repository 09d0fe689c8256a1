import type { Random, RgbImage } from '@cflow/base'
import type { Canvas } from './canvas.js'
import { clamp } from './maths.js'
import { grain } from './noise.js'
import { direction } from './shapes.js'

/** The canvas is this many times finer than the photograph. */
export const oversampling = 2

/** How much the shots of one series differ. */
export interface Variation {
  readonly exposure: number
  readonly gradient: number
}

/** What differs between two shots of the same thing. */
export type Camera = ReturnType<typeof camera>

/** A camera with its small deviations. */
export function camera(random: Random, { exposure, gradient }: Variation) {
  const towards = direction(random.uniform(0, 6.2831853))
  const slope = random.uniform(0.3, 1) * gradient
  return {
    exposure: 1 + random.uniform(-exposure, exposure),
    balance: [1 + random.uniform(-0.03, 0.03), 1, 1 + random.uniform(-0.04, 0.04)],
    /** Change of illumination from the centre to the edges, along x and y. */
    gradient: [slope * towards.cos, slope * towards.sin] as const,
    /** Loss of light in the corners. */
    vignette: random.uniform(0.12, 0.24),
    /** Deviation of the sensor's noise, in grey levels of 255. */
    noise: random.uniform(1.2, 2),
    seed: random.uint32() | 0,
  }
}

/**
 * Take the photograph, without the sensor's noise: lens blur and reduction by `oversampling` (a tent of 4×4 samples),
 * illumination, vignetting, and a gamma of 2. Grey levels 0 to 255, `size`×`size`×3.
 */
export function develop({ side, light }: Canvas, shot: Camera): Float32Array {
  const size = side / oversampling
  const width = side * 3
  const rows = new Float32Array(size * width)
  for (let y = 0; y < size; y++)
    for (let i = 0; i < width; i++) rows[y * width + i] = tent(light, i, width, y, side)
  const levels = new Float32Array(size * size * 3)
  for (let y = 0; y < size; y++) {
    const v = (2 * (y + 0.5)) / size - 1
    for (let x = 0; x < size; x++) {
      const u = (2 * (x + 0.5)) / size - 1
      const fall = 1 - shot.vignette * (u * u + v * v) * 0.5
      const lit = shot.exposure * fall * (1 + shot.gradient[0] * u + shot.gradient[1] * v)
      for (let c = 0; c < 3; c++) {
        const seen = tent(rows, y * width + c, 3, x, side) * lit * shot.balance[c]!
        levels[(y * size + x) * 3 + c] = 255 * Math.sqrt(clamp(seen))
      }
    }
  }
  return levels
}

/** Add the sensor's noise and round to bytes. */
export function expose(levels: Float32Array, shot: Camera): RgbImage {
  const size = Math.round(Math.sqrt(levels.length / 3))
  const data = new Uint8Array(levels.length)
  for (let i = 0; i < data.length; i++)
    data[i] = clamp(Math.round(levels[i]! + shot.noise * grain(i, shot.seed)), 0, 255)
  return { width: size, height: size, data }
}

/** The tent at position `i` over a line of `side` values that lie `step` apart from `start` on. */
function tent(values: Float32Array, start: number, step: number, i: number, side: number): number {
  const a = values[start + Math.max(2 * i - 1, 0) * step]!
  const b = values[start + 2 * i * step]!
  const c = values[start + (2 * i + 1) * step]!
  const d = values[start + Math.min(2 * i + 2, side - 1) * step]!
  return (a + d + 3 * (b + c)) / 8
}
