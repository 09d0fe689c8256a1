import type { Random } from '@cflow/base'
import { length, pose, roundedBox } from '../shapes.js'
import type { Pose } from '../shapes.js'

/** A stamped plate as it lies under the camera. Plate coordinates (u, v) have the picture's unit, u along the plate. */
export interface Plate {
  readonly pose: Pose
  readonly seed: number
}

/** Half the plate's length and width, and the radius of its corners. */
export const plateSize = { half: [0.3, 0.165], corner: 0.045 } as const

/** Round holes. */
export const holes: readonly { readonly u: number; readonly v: number; readonly r: number }[] = [
  { u: -0.21, v: -0.088, r: 0.036 },
  { u: -0.21, v: 0.088, r: 0.036 },
  { u: 0.2, v: -0.095, r: 0.028 },
  { u: 0.2, v: 0.095, r: 0.028 },
]

/** Farther out than this there is neither metal nor shadow; burrs included. */
const beyond = 0.08

/** Draw a plate: any angle, small shifts. */
export function drop(random: Random): Plate {
  return {
    pose: pose(
      0.5 + random.uniform(-0.04, 0.04),
      0.5 + random.uniform(-0.04, 0.04),
      random.uniform(0, 6.2831853),
      random.uniform(0.96, 1.04),
    ),
    seed: random.uint32() | 0,
  }
}

/** Plate coordinates of a point of the picture. */
export function onPlate({ pose: at }: Plate, x: number, y: number): readonly [number, number] {
  const dx = (x - at.x) / at.scale
  const dy = (y - at.y) / at.scale
  return [at.cos * dx + at.sin * dy, at.cos * dy - at.sin * dx]
}

/** What a flaw changes in the plate's outline. */
export interface Outline {
  /** Index of the hole that was not punched. */
  readonly unpunched?: number
  /** Metal added to (positive) or taken from the rim at a point of the plate. */
  readonly added?: (u: number, v: number) => number
}

/** Signed distance to the plate's metal in plate coordinates; negative inside. */
export function plateDistance(u: number, v: number, { unpunched, added }: Outline): number {
  const [halfLength, halfWidth] = plateSize.half
  let d = roundedBox(u, v, halfLength, halfWidth, plateSize.corner)
  if (d > beyond) return d
  d = Math.max(d, 0.05 - length(u + halfLength, v))
  d = Math.max(d, -roundedBox(u - halfLength, v, 0.06, 0.034, 0.02))
  d = Math.max(d, 0.03 - length(u - 0.07, v + halfWidth))
  if (added !== undefined) d -= added(u, v)
  d = Math.max(d, -roundedBox(u, v, 0.085, 0.026, 0.026))
  for (let k = 0; k < holes.length; k++) {
    if (k === unpunched) continue
    const hole = holes[k]!
    d = Math.max(d, hole.r - length(u - hole.u, v - hole.v))
  }
  return d
}
