import type { Random } from '@cflow/base'
import { around, type Canvas, edge, everywhere, paint, put } from '../canvas.js'
import type { Thing } from '../kind.js'
import { clamp, smoothstep } from '../maths.js'
import { fractal, noise } from '../noise.js'
import { inAxes, length, type Point, lying, type Pose, roundedBox } from '../shapes.js'

/** A stamped plate as it lies under the camera. Plate coordinates (u, v) have the picture's unit, u along the plate. */
export interface Plate extends Thing {
  readonly pose: Pose
  readonly seed: number
  /** Index of a hole that was not punched. */
  readonly unpunched: number | undefined
  /** Metal added to (positive) or taken from the rim at a point of the plate. */
  readonly added: ((u: number, v: number) => number) | undefined
  /** Light that a point loses, 0 to 1. */
  readonly shade: ((u: number, v: number) => number) | undefined
  /** Slope of the surface at a point. */
  readonly tilt: ((u: number, v: number) => Point) | undefined
}

/** Half the plate's length and width. */
export const plateHalf = [0.3, 0.165] as const

/** Round holes. */
export const holes: readonly { readonly u: number; readonly v: number; readonly r: number }[] = [
  { u: -0.21, v: -0.088, r: 0.036 },
  { u: -0.21, v: 0.088, r: 0.036 },
  { u: 0.2, v: -0.095, r: 0.028 },
  { u: 0.2, v: 0.095, r: 0.028 },
]

/** Farther out than this there is neither metal nor shadow; burrs included. */
const beyond = 0.08

const bevel = 0.011

/** Draw a plate: any angle, small shifts. */
export function drawPlate(random: Random): Plate {
  return {
    pose: lying(random, 0.04, () => random.uniform(0, 6.2831853), 0.04),
    seed: random.uint32() | 0,
    unpunched: undefined,
    added: undefined,
    shade: undefined,
    tilt: undefined,
    over: undefined,
  }
}

/** Plate coordinates of a point of the picture. */
export function onPlate({ pose: at }: Plate, x: number, y: number): Point {
  return inAxes(at, (x - at.x) / at.scale, (y - at.y) / at.scale)
}

/** Signed distance to the plate's metal in plate coordinates; negative inside. */
export function plateDistance(u: number, v: number, { unpunched, added }: Plate): number {
  const [halfLength, halfWidth] = plateHalf
  let d = roundedBox(u, v, plateHalf, 0.045)
  if (d > beyond) return d
  d = Math.max(d, 0.05 - length(u + halfLength, v))
  d = Math.max(d, -roundedBox(u - halfLength, v, [0.06, 0.034], 0.02))
  d = Math.max(d, 0.03 - length(u - 0.07, v + halfWidth))
  if (added !== undefined) d -= added(u, v)
  d = Math.max(d, -roundedBox(u, v, [0.085, 0.026], 0.026))
  for (let k = 0; k < holes.length; k++) {
    const { u: holeU, v: holeV, r } = holes[k]!
    if (k !== unpunched) d = Math.max(d, r - length(u - holeU, v - holeV))
  }
  return d
}

/** Paint a plate of brushed steel on a rubber belt. */
export function paintPlate(canvas: Canvas, plate: Plate): void {
  const { pose: at, seed, tilt, shade } = plate
  paint(canvas, everywhere, (x, y, out) => {
    const [u, v] = onPlate(plate, x - 0.012, y - 0.014)
    const shadow = 1 - 0.7 * (1 - smoothstep(-0.012, 0.026, plateDistance(u, v, plate)))
    const rubber =
      0.22 * noise(x * 140, y * 140, seed) + 0.16 * fractal(x * 22, y * 22, seed + 1, 2)
    put(out, [0.05, 0.062, 0.07], shadow * (1 + rubber))
    return 1
  })
  // Brushed steel is brightest where its grain runs across the light, which comes from the upper left.
  const gloss = 0.82 + 0.24 * Math.abs(at.cos - at.sin) * 0.7071
  paint(canvas, around(at.x, at.y, 0.42), (x, y, out) => {
    const [u, v] = onPlate(plate, x, y)
    const d = plateDistance(u, v, plate)
    const opacity = edge(canvas, d * at.scale)
    if (opacity === 0) return 0
    const grain = noise(u * 9, v * 230, seed + 2) + 0.7 * noise(u * 26, v * 420, seed + 3)
    const mottle = fractal(u * 7, v * 7, seed + 4, 2)
    let [tiltU, tiltV] = tilt?.(u, v) ?? [0, 0]
    if (d > -bevel) {
      const h = 0.002
      const lean = (0.9 * (d + bevel)) / bevel
      const rise = (du: number, dv: number): number =>
        plateDistance(u + du, v + dv, plate) - plateDistance(u - du, v - dv, plate)
      tiltU += (lean * rise(h, 0)) / (2 * h)
      tiltV += (lean * rise(0, h)) / (2 * h)
    }
    // The tilt as the picture sees it, against the light from the upper left.
    const tiltX = at.cos * tiltU - at.sin * tiltV
    const tiltY = at.sin * tiltU + at.cos * tiltV
    const facing = 1 - 0.42 * (tiltX + tiltY)
    const sheen = 1 + 0.16 * (0.5 - x + 0.5 - y)
    const kept = 1 - (shade?.(u, v) ?? 0)
    const light = gloss * sheen * facing * (1 + 0.1 * grain + 0.06 * mottle)
    put(out, [0.6, 0.61, 0.62], kept * clamp(light, 0.06, 1.9))
    return opacity
  })
}
