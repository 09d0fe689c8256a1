import type { Random } from '@cflow/base'
import type { Colour } from '../canvas.js'
import { cos, radians, sin } from '../maths.js'
import { noise } from '../noise.js'
import type { Point } from '../shapes.js'

/** One system of parallel threads: warp or weft. */
export interface Threads {
  readonly colour: Colour
  readonly shift: Float64Array
  readonly half: Float64Array
  readonly tone: Float64Array
}

/** How a piece of cloth lies under the camera. Thread coordinates count threads from the picture's centre. */
export interface Cloth {
  readonly cos: number
  readonly sin: number
  /** Width of a thread and its gap, as a share of the picture. */
  readonly pitch: number
  readonly phase: readonly [number, number]
  readonly warp: Threads
  readonly weft: Threads
  readonly seed: number
}

/** Warp and weft. */
export const yarnColours: { readonly warp: Colour; readonly weft: Colour } = {
  warp: [0.68, 0.6, 0.45],
  weft: [0.2, 0.28, 0.42],
}

/** Threads repeat their irregularities after this many. */
const count = 64
/** Draw a piece of cloth. */
export function lay(random: Random): Cloth {
  const angle = radians(random.uniform(-6, 6))
  return {
    cos: cos(angle),
    sin: sin(angle),
    pitch: random.uniform(0.048, 0.054),
    phase: [random.uniform(0, 2), random.uniform(0, 2)],
    warp: threads(yarnColours.warp, random),
    weft: threads(yarnColours.weft, random),
    seed: random.uint32() | 0,
  }
}

function threads(colour: Colour, random: Random): Threads {
  const draw = (low: number, high: number): Float64Array =>
    Float64Array.from({ length: count }, () => random.uniform(low, high))
  return {
    colour,
    shift: draw(-0.06, 0.06),
    half: draw(0.34, 0.42),
    tone: draw(0.85, 1.12),
  }
}

/** Thread coordinates of a point of the picture. */
export function threadCoordinates(cloth: Cloth, x: number, y: number): readonly [number, number] {
  const dx = x - 0.5
  const dy = y - 0.5
  const swayX = 0.22 * noise(x * 3.1, y * 3.1, cloth.seed + 1)
  const swayY = 0.22 * noise(x * 3.1, y * 3.1, cloth.seed + 2)
  const p = (cloth.cos * dx + cloth.sin * dy) / cloth.pitch + cloth.phase[0] + swayX
  const q = (cloth.cos * dy - cloth.sin * dx) / cloth.pitch + cloth.phase[1] + swayY
  return [p, q]
}

/** Whether a thread is missing at a point: of the warp or the weft, its number, and the place along it. */
export type Gone = (warp: boolean, thread: number, x: number, y: number, along: number) => boolean

/** Place across a thread: −1 and 1 are its edges. */
export function across({ shift, half }: Threads, index: number, offset: number): number {
  const k = index & (count - 1)
  return (offset - shift[k]!) / half[k]!
}

/** Brightness of one thread. */
export function toneOf({ tone }: Threads, index: number): number {
  return tone[index & (count - 1)]!
}

/** Somewhere in the picture, not at its border. */
export function spot(random: Random): Point {
  return [random.uniform(0.15, 0.85), random.uniform(0.15, 0.85)]
}
