import type { Random } from '@cflow/base'
import { around, edge, paint, put } from '../canvas.js'
import type { Canvas } from '../canvas.js'
import type { Flaw } from '../kind.js'
import { clamp, cos, sin, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import { blob, length, place, segment, wander } from '../shapes.js'
import type { Point } from '../shapes.js'
import { paintDirt } from './dirt.js'
import { holes, onPlate, plateDistance, plateSize } from './part-model.js'
import type { Outline, Plate } from './part-model.js'

/** How a flaw deforms the plate: its outline, and the slope of its surface at a point. */
export interface Bend {
  readonly outline: Outline
  /** Light that a point loses, 0 to 1. */
  readonly shade?: (u: number, v: number) => number
  readonly tilt?: (u: number, v: number) => readonly [number, number]
}

/** The deformation of a flaw; none for those that only lie on top. */
export function bendPlate(plate: Plate, flaw: Flaw | undefined): Bend {
  const random = flaw?.random
  if (flaw === undefined || random === undefined) return { outline: {} }
  if (flaw.type === 'missing_hole') return { outline: { unpunched: random.integer(holes.length) } }
  if (flaw.type === 'dent') return dent(random)
  if (flaw.type === 'burr') return burr(plate, random)
  if (flaw.type === 'bent_edge') return bentCorner(random)
  return { outline: {} }
}

/** A point well inside the metal, away from holes. */
function spotOnMetal(random: Random, margin: number): Point {
  for (;;) {
    const u = random.uniform(-0.28, 0.28)
    const v = random.uniform(-0.15, 0.15)
    if (plateDistance(u, v, {}) < -margin) return [u, v]
  }
}

function dent(random: Random): Bend {
  const [cu, cv] = spotOnMetal(random, 0.03)
  const r = random.uniform(0.036, 0.05)
  const depth = random.uniform(2, 2.8)
  return {
    outline: {},
    tilt: (u, v) => {
      const [a, b] = [(u - cu) / r, (v - cv) / r]
      const inside = 1 - a * a - b * b
      return inside <= 0 ? [0, 0] : [-depth * a * inside, -depth * b * inside]
    },
  }
}

function burr({ seed }: Plate, random: Random): Bend {
  const side = random.next() < 0.5 ? -1 : 1
  const [middle, half] = [random.uniform(-0.17, 0.17), random.uniform(0.05, 0.075)]
  const height = random.uniform(0.024, 0.036)
  return {
    outline: {
      added: (u, v) => {
        const t = (u - middle) / half
        if (v * side < 0.1 || t * t > 1) return 0
        const teeth = Math.abs(noise(u * 75, 3, seed + 21)) + 0.4 * noise(u * 190, 5, seed + 22)
        return height * (1 - t * t) * clamp(0.35 + teeth, 0, 1.3)
      },
    },
  }
}

/** One corner folded along a slanting line: it reflects elsewhere and looks shorter. */
function bentCorner(random: Random): Bend {
  const [halfLength, halfWidth] = plateSize.half
  const [su, sv] = [random.next() < 0.5 ? -1 : 1, random.next() < 0.5 ? -1 : 1]
  const angle = random.uniform(0.5, 1.1)
  const [nu, nv] = [su * cos(angle), sv * sin(angle)]
  const reach = halfLength * cos(angle) + halfWidth * sin(angle)
  const fold = reach - random.uniform(0.095, 0.125)
  const tip = fold + (reach - fold) * random.uniform(0.5, 0.65)
  const lean = random.next() < 0.5 ? -1.7 : 1.5
  return {
    outline: { added: (u, v) => Math.min(0, tip - (u * nu + v * nv)) },
    shade: (u, v) => {
      const beyond = u * nu + v * nv - fold
      const crease = 1 - smoothstep(0.002, 0.007, Math.abs(beyond))
      return 0.6 * crease + (beyond > 0 ? 0.3 : 0) * (1 - crease)
    },
    tilt: (u, v) => {
      const beyond = u * nu + v * nv - fold
      const slope = lean * smoothstep(0, 0.012, beyond)
      return [slope * nu, slope * nv]
    },
  }
}

/** Paint what lies on the plate. */
export function paintPartFlaw(canvas: Canvas, plate: Plate, { type, random }: Flaw): void {
  if (type === 'contamination') {
    const [x, y] = place(plate.pose, ...spotOnMetal(random, 0.02))
    paintDirt(canvas, blob(x, y, random.uniform(0.026, 0.042), 0.35, random), random)
  } else if (type === 'scratch') scratch(canvas, plate, random)
}

/** A few grooves side by side: a dark bed and a bright lip. */
function scratch(canvas: Canvas, plate: Plate, random: Random): void {
  const [u, v] = spotOnMetal(random, 0.02)
  const angle = random.uniform(0, 6.28)
  const grooves = Array.from({ length: 2 + random.integer(2) }, (_, i) => {
    const [du, dv] = [0.013 * i * -sin(angle), 0.013 * i * cos(angle)]
    const start: Point = [u + du + random.uniform(-0.02, 0.02), v + dv]
    return wander(
      start,
      angle + random.uniform(-0.08, 0.08),
      12,
      random.uniform(0.013, 0.02),
      0.06,
      random,
    )
  })
  const [cx, cy] = place(plate.pose, u, v)
  for (const line of grooves)
    paint(canvas, around(cx, cy, 0.3), (x, y, out) => {
      const [pu, pv] = onPlate(plate, x, y)
      const [d, off] = nearest(line, pu, pv)
      const metal = edge(canvas, plateDistance(pu, pv, {}))
      if (d > 0.008 || metal === 0) return 0
      const bed = 1 - smoothstep(0.001, 0.0042, d)
      const lip = off < 0 ? 1 - smoothstep(0.003, 0.007, d) : 0
      put(out, [0.62, 0.62, 0.62], bed > 0.4 ? 0.12 : 1.75)
      return metal * Math.max(bed, lip)
    })
}

function nearest(line: readonly Point[], x: number, y: number): readonly [number, number] {
  let best = Infinity
  let off = 0
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1]!, line[i]!]
    if (length(x - a[0], y - a[1]) > best + 0.05) continue
    const [d] = segment(x, y, a, b)
    if (d >= best) continue
    best = d
    off = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
  }
  return [best, off]
}
