import type { Random } from '@cflow/base'
import { around, edge, paint, put } from '../canvas.js'
import { kindOf } from '../kind.js'
import { clamp, cos, sin, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import { nearest, place, type Point, wander } from '../shapes.js'
import { dirt } from './dirt.js'
import {
  drawPlate,
  holes,
  onPlate,
  paintPlate,
  type Plate,
  plateDistance,
  plateHalf,
} from './part-model.js'

/** A stamped and brushed steel bracket on a dark rubber belt, at any angle. */
export const part = kindOf<Plate>({
  variation: { exposure: 0.14, gradient: 0.14 },
  gap: 0.008,
  draw: drawPlate,
  paint: paintPlate,
  flaws: {
    /** One corner folded along a slanting line: it reflects elsewhere and looks shorter. */
    bent_edge(_, random) {
      const [halfLength, halfWidth] = plateHalf
      const [su, sv] = [random.next() < 0.5 ? -1 : 1, random.next() < 0.5 ? -1 : 1]
      const angle = random.uniform(0.5, 1.1)
      const [nu, nv] = [su * cos(angle), sv * sin(angle)]
      const reach = halfLength * cos(angle) + halfWidth * sin(angle)
      const fold = reach - random.uniform(0.095, 0.125)
      const tip = fold + (reach - fold) * random.uniform(0.5, 0.65)
      const lean = random.next() < 0.5 ? -1.7 : 1.5
      return {
        added: (u, v) => Math.min(0, tip - (u * nu + v * nv)),
        shade(u, v) {
          const beyond = u * nu + v * nv - fold
          const crease = 1 - smoothstep(0.002, 0.007, Math.abs(beyond))
          return 0.6 * crease + (beyond > 0 ? 0.3 : 0) * (1 - crease)
        },
        tilt(u, v) {
          const slope = lean * smoothstep(0, 0.012, u * nu + v * nv - fold)
          return [slope * nu, slope * nv]
        },
      }
    },
    burr({ seed }, random) {
      const side = random.next() < 0.5 ? -1 : 1
      const [middle, half] = [random.uniform(-0.17, 0.17), random.uniform(0.05, 0.075)]
      const height = random.uniform(0.024, 0.036)
      return {
        added(u, v) {
          const t = (u - middle) / half
          if (v * side < 0.1 || t * t > 1) return 0
          const teeth = Math.abs(noise(u * 75, 3, seed + 21)) + 0.4 * noise(u * 190, 5, seed + 22)
          return height * (1 - t * t) * clamp(0.35 + teeth, 0, 1.3)
        },
      }
    },
    contamination(plate, random) {
      const at = place(plate.pose, ...spotOnMetal(plate, 0.02, random))
      return { over: dirt(at, random.uniform(0.026, 0.042), random) }
    },
    dent(plate, random) {
      const [cu, cv] = spotOnMetal(plate, 0.03, random)
      const r = random.uniform(0.036, 0.05)
      const depth = random.uniform(2, 2.8)
      return {
        tilt(u, v) {
          const [a, b] = [(u - cu) / r, (v - cv) / r]
          const inside = 1 - a * a - b * b
          return inside <= 0 ? [0, 0] : [-depth * a * inside, -depth * b * inside]
        },
      }
    },
    missing_hole: (_, random) => ({ unpunched: random.integer(holes.length) }),
    /** A few grooves side by side: a dark bed and a bright lip. */
    scratch(plate, random) {
      const [u, v] = spotOnMetal(plate, 0.02, random)
      const angle = random.uniform(0, 6.28)
      const grooves = Array.from({ length: 2 + random.integer(2) }, (_, i) => {
        const [du, dv] = [0.013 * i * -sin(angle), 0.013 * i * cos(angle)]
        const start: Point = [u + du + random.uniform(-0.02, 0.02), v + dv]
        const towards = angle + random.uniform(-0.08, 0.08)
        return wander(start, towards, 12, random.uniform(0.013, 0.02), 0.06, random)
      })
      const [cx, cy] = place(plate.pose, u, v)
      return {
        over(canvas) {
          for (const line of grooves)
            paint(canvas, around(cx, cy, 0.3), (x, y, out) => {
              const [pu, pv] = onPlate(plate, x, y)
              const { distance, a, b } = nearest(line, pu, pv)
              const metal = edge(canvas, plateDistance(pu, pv, plate))
              if (distance > 0.008 || metal === 0) return 0
              const bed = 1 - smoothstep(0.001, 0.0042, distance)
              const above = (b[0] - a[0]) * (pv - a[1]) - (b[1] - a[1]) * (pu - a[0]) < 0
              const lip = above ? 1 - smoothstep(0.003, 0.007, distance) : 0
              put(out, [0.62, 0.62, 0.62], bed > 0.4 ? 0.12 : 1.75)
              return metal * Math.max(bed, lip)
            })
        },
      }
    },
  },
})

/** A point well inside the metal, away from holes. */
function spotOnMetal(plate: Plate, margin: number, random: Random): Point {
  for (;;) {
    const u = random.uniform(-0.28, 0.28)
    const v = random.uniform(-0.15, 0.15)
    if (plateDistance(u, v, plate) < -margin) return [u, v]
  }
}
