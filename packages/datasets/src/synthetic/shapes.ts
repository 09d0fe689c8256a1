import type { Random } from '@cflow/base'
import { clamp, cos, sin } from './maths.js'
import { noise } from './noise.js'

export type Point = readonly [number, number]

/** Length of a vector. */
export function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y)
}

/** A direction in the picture. */
export interface Direction {
  readonly cos: number
  readonly sin: number
}

/** A direction; the angle in radians. */
export function direction(angle: number): Direction {
  return { cos: cos(angle), sin: sin(angle) }
}

/** Any direction. */
export function anyDirection(random: Random): Direction {
  return direction(random.uniform(0, 6.28))
}

/** A vector of the picture in axes of which the first lies in a direction. */
export function inAxes({ cos, sin }: Direction, x: number, y: number): Point {
  return [cos * x + sin * y, cos * y - sin * x]
}

/** A position and direction: turns picture coordinates into those of a thing lying there. */
export interface Pose extends Direction {
  readonly x: number
  readonly y: number
  readonly scale: number
}

/** A pose; the angle in radians. */
export function pose(x: number, y: number, angle: number, scale = 1): Pose {
  return { x, y, cos: cos(angle), sin: sin(angle), scale }
}

/** The pose of a thing that lies near the middle: shifts and sizes differ by a little, the angle is drawn in between. */
export function lying(random: Random, shift: number, angle: () => number, zoom: number): Pose {
  const [x, y] = [0.5 + random.uniform(-shift, shift), 0.5 + random.uniform(-shift, shift)]
  return pose(x, y, angle(), random.uniform(1 - zoom, 1 + zoom))
}

/** A point of the thing, in the picture. */
export function place(at: Pose, u: number, v: number): Point {
  return [at.x + at.scale * (at.cos * u - at.sin * v), at.y + at.scale * (at.sin * u + at.cos * v)]
}

/** Signed distance to a rectangle about the origin with round corners; `half` its width and height. */
export function roundedBox(x: number, y: number, half: Point, radius: number): number {
  const dx = Math.abs(x) - half[0] + radius
  const dy = Math.abs(y) - half[1] + radius
  return length(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius
}

/** A blot with an irregular outline. */
export type Blob = ReturnType<typeof blob>

/** A blot of a radius at a place, with its outline drawn from `random`. */
export function blob([x, y]: Point, radius: number, rough: number, random: Random) {
  const angle = random.uniform(0, 6.2831853)
  return {
    x,
    y,
    radius,
    /** Length over width. */
    stretch: random.uniform(1, 1.5),
    cos: cos(angle),
    sin: sin(angle),
    /** How ragged the outline is, 0 to about 0.6. */
    rough,
    seed: random.uint32(),
  }
}

/** Distance to the outline of a blot, roughly; negative inside. */
export function blobDistance(b: Blob, x: number, y: number): number {
  const [dx, dy] = [x - b.x, y - b.y]
  const [u, v] = inAxes(b, dx, dy)
  const f = 1.6 / b.radius
  const ragged = noise(dx * f, dy * f, b.seed) + 0.5 * noise(dx * f * 2.3, dy * f * 2.3, b.seed + 1)
  return length(u / b.stretch, v * b.stretch) - b.radius * (1 + b.rough * ragged)
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
  let towards = angle
  let turning = random.uniform(-bend, bend)
  for (let i = 1; i < count; i++) {
    turning = 0.8 * turning + 0.4 * random.uniform(-bend, bend)
    towards += turning
    x += step * cos(towards)
    y += step * sin(towards)
    points.push([x, y])
  }
  return points
}

/**
 * The point of a line, of segments shorter than 0.05, that is nearest to another: its distance, the ends and number of
 * the segment that it lies in, and how far along that, 0 to 1.
 */
export function nearest(line: readonly Point[], x: number, y: number) {
  let found = { distance: Infinity, a: [0, 0] as Point, b: [0, 0] as Point, index: 0, along: 0 }
  for (let index = 0; index + 1 < line.length; index++) {
    const [a, b] = [line[index]!, line[index + 1]!]
    if (length(x - a[0], y - a[1]) > found.distance + 0.05) continue
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]]
    const along = clamp(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy))
    const distance = length(x - a[0] - along * dx, y - a[1] - along * dy)
    if (distance < found.distance) found = { distance, a, b, index, along }
  }
  return found
}
