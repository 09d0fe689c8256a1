import type { Random } from '@cflow/base'
import { around, type Canvas, type Colour, edge, everywhere, paint, put } from '../canvas.js'
import type { Thing } from '../kind.js'
import { clamp, radians, smoothstep } from '../maths.js'
import { fractal, noise } from '../noise.js'
import { length, lying, place, type Point, type Pose, pose } from '../shapes.js'

/** A cable cut across, and how it lies under the camera. Lengths are shares of the picture. */
export interface Cable extends Thing {
  readonly pose: Pose
  readonly wires: readonly Wire[]
  readonly seed: number
  /** Whether material is missing at a point: of the sheath (−1) or of a wire's insulation (its number). */
  readonly missing: ((layer: number, x: number, y: number) => boolean) | undefined
}

/** An insulated conductor, seen end on. */
export interface Wire {
  readonly centre: Point
  readonly colour: Colour
  readonly strands: ReturnType<typeof drawStrands>
  readonly seed: number
}

/** Radii before scaling: the sheath's outside and inside, insulation, and the bunch of strands. */
export const radii = { sheath: 0.41, filler: 0.365, wire: 0.152, conductor: 0.108 } as const

/** Insulation: green, brown and blue, clockwise. */
export const insulation: readonly Colour[] = [
  [0.06, 0.27, 0.09],
  [0.25, 0.1, 0.045],
  [0.05, 0.13, 0.42],
]

/** Bare copper in full light. */
export const copper: Colour = [0.68, 0.34, 0.19]

const spacing = 0.0262

/** A bunch of copper strands, end on: packed as hexagons are and then shaken. */
function drawStrands(random: Random) {
  const turned = pose(0, 0, random.uniform(0, 1.0472))
  const grid = Array.from({ length: 11 * 11 }, (_, i) => {
    const [row, column] = [Math.floor(i / 11) - 5, (i % 11) - 5]
    const [x, y] = place(turned, (column + (row & 1) / 2) * spacing, row * spacing * 0.866)
    return {
      x: x + random.uniform(-0.0022, 0.0022),
      y: y + random.uniform(-0.0022, 0.0022),
      radius: random.uniform(0.0122, 0.0138),
      tone: random.uniform(0.7, 1.2),
      /** Direction that its cut face leans to. */
      lean: [random.uniform(-1, 1), random.uniform(-1, 1)] as const,
    }
  })
  return grid.filter((strand) => length(strand.x, strand.y) < radii.conductor - 0.013)
}

/** Draw a cable. */
export function drawCable(random: Random): Cable {
  const at = lying(random, 0.025, () => radians(random.uniform(-14, 14)), 0.05)
  const wires = insulation.map((colour, k): Wire => {
    const angle = pose(0, 0, radians(120 * k - 90 + random.uniform(-4, 4)))
    const [u, v] = place(angle, 0.187 + random.uniform(-0.006, 0.004), 0)
    return {
      centre: place(at, u, v),
      colour,
      strands: drawStrands(random),
      seed: random.uint32() | 0,
    }
  })
  return { pose: at, wires, seed: random.uint32() | 0, missing: undefined, over: undefined }
}

/** Paint a cable on a grey table. */
export function paintCable(canvas: Canvas, cable: Cable): void {
  const { pose: at, seed } = cable
  const reach = radii.sheath * at.scale
  paint(canvas, everywhere, (x, y, out) => {
    const d = length(x - at.x - 0.02, y - at.y - 0.025) - reach
    const shadow = 1 - 0.65 * (1 - smoothstep(-0.01, 0.06, d))
    const cloth = 0.05 * noise(x * 120, y * 120, seed + 3) + 0.06 * noise(x * 9, y * 9, seed + 4)
    put(out, [0.34, 0.35, 0.37], shadow * (1 + cloth))
    return 1
  })
  paintBody(canvas, cable)
  for (const wire of cable.wires) paintConductor(canvas, cable, wire)
}

/** Sheath, filler and insulation. */
function paintBody(canvas: Canvas, { pose: at, wires, seed, missing }: Cable): void {
  const s = at.scale
  paint(canvas, everywhere, (x, y, out) => {
    const dx = x - at.x
    const dy = y - at.y
    const r = length(dx, dy) / s
    if (r > radii.sheath * 1.05) return 0
    const wobble = 0.006 * noise(dx * 5 + 31, dy * 5, seed + 6)
    const outside = r - radii.sheath - wobble
    const opacity = edge(canvas, outside * s)
    if (opacity === 0) return 0
    const saw = 0.06 * noise((dx + dy) * 160, (dx - dy) * 7, seed + 7)
    const speck = noise(x * 150, y * 150, seed + 8)
    const inner = r - radii.filler - 0.7 * wobble
    if (inner > 0) {
      const rim = 1 - 0.4 * smoothstep(-0.008, 0, outside)
      if (missing?.(-1, x, y))
        put(out, [0.5, 0.47, 0.42], 0.55 + 0.5 * fractal(x * 70, y * 70, seed + 12, 2))
      else put(out, [0.07, 0.07, 0.075], rim * (1 + saw + 0.14 * speck))
      return opacity
    }
    const crumbs = fractal(x * 45, y * 45, seed + 10, 2)
    let bright = 0.8 + 0.12 * crumbs + saw - 0.35 * smoothstep(-0.022, 0, inner)
    for (const [k, wire] of wires.entries()) {
      const wx = x - wire.centre[0]
      const wy = y - wire.centre[1]
      if (Math.abs(wx) > 0.22 || Math.abs(wy) > 0.22) continue
      const shape = 0.005 * noise(wx * 7 + k * 9, wy * 7, wire.seed)
      const w = length(wx, wy) / s - radii.wire - shape
      if (w < 0.03) bright -= 0.4 * (1 - smoothstep(0, 0.03, w))
      if (w > 0 || missing?.(k, x, y)) continue
      const rim = 1 - 0.35 * smoothstep(-0.007, 0, w)
      const lip = 1 - 0.5 * (1 - smoothstep(0, 0.012, w + radii.wire - radii.conductor))
      put(out, wire.colour, rim * lip * (1.05 + 1.6 * saw + 0.12 * speck))
      return 1
    }
    put(out, [0.58, 0.56, 0.51], bright)
    return 1
  })
}

/** The bore of the insulation and the strands in it. */
function paintConductor(canvas: Canvas, { pose: at }: Cable, wire: Wire): void {
  const [cx, cy] = wire.centre
  const bore = radii.conductor * at.scale
  paint(canvas, around(cx, cy, bore * 1.1), (x, y, out) => {
    put(out, [0.03, 0.018, 0.012], 1)
    return edge(canvas, length(x - cx, y - cy) - bore)
  })
  for (const strand of wire.strands) {
    const [sx, sy] = place({ ...at, x: cx, y: cy }, strand.x, strand.y)
    const r = strand.radius * at.scale
    paint(canvas, around(sx, sy, r * 1.2), (x, y, out) => {
      const u = (x - sx) / r
      const v = (y - sy) / r
      const d = length(u, v)
      const opacity = edge(canvas, (d - 1) * r)
      if (opacity === 0) return 0
      const face = 1 + 0.3 * (strand.lean[0] * u + strand.lean[1] * v)
      const round = 1 - 0.62 * d * d * d * d
      const marks = 0.12 * noise((x + y) * 260, (x - y) * 30, wire.seed + 1)
      put(out, copper, clamp(strand.tone * face * round + marks, 0.05, 1.6))
      return opacity
    })
  }
}
