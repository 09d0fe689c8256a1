import type { Random } from '@cflow/base'
import { type Canvas, type Colour, everywhere, paint, put } from '../canvas.js'
import type { Thing } from '../kind.js'
import { clamp, cos, radians, sin } from '../maths.js'
import { noise } from '../noise.js'
import { type Direction, direction, inAxes, type Point } from '../shapes.js'

/** A piece of cloth as it lies under the camera. Thread coordinates count threads from the picture's centre. */
export interface Cloth extends Thing, Direction {
  /** Width of a thread and its gap, as a share of the picture. */
  readonly pitch: number
  readonly phase: readonly [number, number]
  readonly warp: Threads
  readonly weft: Threads
  readonly seed: number
  /** What is torn out of it. */
  readonly gone: Gone | undefined
}

/** Whether a thread is missing at a point: of the warp or the weft, its number, and the place along it. */
type Gone = (warp: boolean, thread: number, x: number, y: number, along: number) => boolean

/** Warp and weft. */
export const yarnColours: { readonly warp: Colour; readonly weft: Colour } = {
  warp: [0.68, 0.6, 0.45],
  weft: [0.2, 0.28, 0.42],
}

/** Threads repeat their irregularities after this many. */
const count = 64

/** Draw a piece of cloth. */
export function drawCloth(random: Random): Cloth {
  const { cos, sin } = direction(radians(random.uniform(-6, 6)))
  return {
    cos,
    sin,
    pitch: random.uniform(0.048, 0.054),
    phase: [random.uniform(0, 2), random.uniform(0, 2)],
    warp: threads(yarnColours.warp, random),
    weft: threads(yarnColours.weft, random),
    seed: random.uint32() | 0,
    gone: undefined,
    over: undefined,
  }
}

/** One system of parallel threads: warp or weft. */
type Threads = ReturnType<typeof threads>

function threads(colour: Colour, random: Random) {
  const draw = (low: number, high: number): Float64Array =>
    Float64Array.from({ length: count }, () => random.uniform(low, high))
  return { colour, shift: draw(-0.06, 0.06), half: draw(0.34, 0.42), tone: draw(0.85, 1.12) }
}

/** Thread coordinates of a point of the picture. */
export function threadCoordinates(cloth: Cloth, x: number, y: number): Point {
  const swayX = 0.22 * noise(x * 3.1, y * 3.1, cloth.seed + 1)
  const swayY = 0.22 * noise(x * 3.1, y * 3.1, cloth.seed + 2)
  const [u, v] = inAxes(cloth, x - 0.5, y - 0.5)
  return [u / cloth.pitch + cloth.phase[0] + swayX, v / cloth.pitch + cloth.phase[1] + swayY]
}

/** Paint the cloth over its dark ground. */
export function paintCloth(canvas: Canvas, cloth: Cloth): void {
  const { warp, weft, seed, gone } = cloth
  paint(canvas, everywhere, (x, y, out) => {
    const [p, q] = threadCoordinates(cloth, x, y)
    const i = Math.floor(p)
    const j = Math.floor(q)
    const u = p - i - 0.5
    const v = q - j - 0.5
    const over = ((i + j) & 1) === 0 ? 1 : -1
    // places across the threads: −1 and 1 are their edges
    const [k, l] = [i & (count - 1), j & (count - 1)]
    const a = (u - warp.shift[k]!) / warp.half[k]!
    const b = (v - weft.shift[l]!) / weft.half[l]!
    const hasWarp = Math.abs(a) < 1 && !gone?.(true, i, x, y, q)
    const hasWeft = Math.abs(b) < 1 && !gone?.(false, j, x, y, p)
    const warpHeight = hasWarp ? over * cos(Math.PI * v) + 0.9 * Math.sqrt(1 - a * a) : -9
    const weftHeight = hasWeft ? -over * cos(Math.PI * u) + 0.9 * Math.sqrt(1 - b * b) : -9
    if (!hasWarp && !hasWeft) put(out, [0.018, 0.018, 0.022], 1 + 0.5 * noise(x * 90, y * 90, seed))
    else if (warpHeight > weftHeight)
      yarn(out, warp, i, a, over * sin(Math.PI * v), warpHeight, q, seed, 1)
    else yarn(out, weft, j, b, -over * sin(Math.PI * u), weftHeight, p, seed + 9, -1)
    return 1
  })
}

/** Colour of a twisted yarn lit from the upper left. */
function yarn(
  out: Float64Array,
  { colour, tone }: Threads,
  index: number,
  a: number,
  slope: number,
  height: number,
  along: number,
  seed: number,
  system: number,
): void {
  const twist = sin(2 * Math.PI * (along * 2.6 + a * 0.55 * system) + index)
  const fibre = noise(a * 5 + index * 17, along * 11 + a * 3 * system, seed)
  const facing = 0.62 - 0.42 * a + 0.3 * slope + 0.1 * twist
  const open = clamp(0.42 + 0.3 * height, 0.12, 1)
  const light = clamp(facing, 0.08, 1.3) * open * tone[index & (count - 1)]!
  put(out, colour, light * (1.15 + 0.22 * fibre))
}
