import type { Random } from '@cflow/base'
import { clamp, cos, sin } from './maths.js'
import { noise } from './noise.js'

export type Point = readonly [number, number]

/** Length of a vector. */
export function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y)
}

/** A position and direction: turns picture coordinates into those of a thing lying there. */
export interface Pose {
  readonly x: number
  readonly y: number
  readonly cos: number
  readonly sin: number
  readonly scale: number
}

/** A pose; the angle in radians. */
export function pose(x: number, y: number, angle: number, scale = 1): Pose {
  return { x, y, cos: cos(angle), sin: sin(angle), scale }
}

/** A point of the thing, in the picture. */
export function place(at: Pose, u: number, v: number): Point {
  return [at.x + at.scale * (at.cos * u - at.sin * v), at.y + at.scale * (at.sin * u + at.cos * v)]
}

/** Signed distance to a rectangle about the origin with round corners. */
export function roundedBox(
  x: number,
  y: number,
  halfWidth: number,
  halfHeight: number,
  radius: number,
): number {
  const dx = Math.abs(x) - halfWidth + radius
  const dy = Math.abs(y) - halfHeight + radius
  return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius
}

/** Distance to a line segment, and where along it (0 to 1) the nearest point lies. */
export function segment(x: number, y: number, a: Point, b: Point): Point {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
  const along = clamp(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy))
  return [length(x - a[0] - along * dx, y - a[1] - along * dy), along]
}

/** A blot with an irregular outline. */
export interface Blob {
  readonly x: number
  readonly y: number
  readonly radius: number
  /** Length over width, and direction. */
  readonly stretch: number
  readonly cos: number
  readonly sin: number
  /** How ragged the outline is, 0 to about 0.6. */
  readonly rough: number
  readonly seed: number
}

/** A blot of a radius at a place, with its outline drawn from `random`. */
export function blob(x: number, y: number, radius: number, rough: number, random: Random): Blob {
  const angle = random.uniform(0, 6.2831853)
  const stretch = random.uniform(1, 1.5)
  return { x, y, radius, stretch, cos: cos(angle), sin: sin(angle), rough, seed: random.uint32() }
}

/** Distance to the outline of a blot, roughly; negative inside. */
export function blobDistance(b: Blob, x: number, y: number): number {
  const [dx, dy] = [x - b.x, y - b.y]
  const u = (b.cos * dx + b.sin * dy) / b.stretch
  const v = (b.cos * dy - b.sin * dx) * b.stretch
  const f = 1.6 / b.radius
  const ragged = noise(dx * f, dy * f, b.seed) + 0.5 * noise(dx * f * 2.3, dy * f * 2.3, b.seed + 1)
  return length(u, v) - b.radius * (1 + b.rough * ragged)
}

/** No point of a blot is farther than this from its centre. */
export function blobReach(b: Blob): number {
  return b.radius * b.stretch * (1 + 1.5 * b.rough)
}

/** A wandering line of `count` points, each `step` from the last, turning by up to `bend` radians a step. */
export function wander(
  start: Point,
  angle: number,
  count: number,
  step: number,
  bend: number,
  random: Random,
): Point[] {
  const points: Point[] = [start]
  let [x, y] = start
  let direction = angle
  let turning = random.uniform(-bend, bend)
  for (let i = 1; i < count; i++) {
    turning = 0.8 * turning + 0.4 * random.uniform(-bend, bend)
    direction += turning
    x += step * cos(direction)
    y += step * sin(direction)
    points.push([x, y])
  }
  return points
}
