import type { Random } from '@cflow/base'
import { around, paint, put } from '../canvas.js'
import { kindOf } from '../kind.js'
import { clamp, cos, sin, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import { anyDirection, inAxes, length, type Point, wander } from '../shapes.js'
import { stroke, strokeShadow } from '../stroke.js'
import { type Cable, copper, drawCable, insulation, paintCable, radii } from './cable-model.js'

/** The cross-section of the paper's figure 1: sheath, filler, three insulated conductors of copper strands. */
export const cable = kindOf<Cable>({
  variation: { exposure: 0.16, gradient: 0.14 },
  gap: 0.008,
  draw: drawCable,
  paint: paintCable,
  flaws: {
    /** A few strands bent over, lying across the insulation. */
    bent_strands: atWire((cable, _k, random) => {
      const { scale } = cable.pose
      const [cx, cy] = cable.wires[random.integer(3)]!.centre
      const towards = random.uniform(0, 6.28)
      const lines = Array.from({ length: 3 + random.integer(3) }, () => {
        const side = towards + random.uniform(-0.5, 0.5)
        const from = radii.conductor * scale * random.uniform(0.45, 0.8)
        const start: Point = [cx + from * cos(side), cy + from * sin(side)]
        return wander(start, side + random.uniform(-0.5, 0.5), 8, 0.0125, 0.3, random)
      })
      const r = 0.0118 * scale
      return {
        over(canvas) {
          for (const line of lines) {
            strokeShadow(canvas, line, r)
            stroke(canvas, line, r, (across, along, out) => {
              const gloss = clamp(1 - Math.abs(across + 0.35) * 1.9)
              const round = 0.3 + 0.35 * (1 - across * across)
              put(out, copper, round + 0.9 * gloss * gloss + 0.02 * along)
            })
          }
        },
      }
    }),
    cut_insulation: atWire((cable, k, random) =>
      random.next() < 0.5 ? cutSheath(cable, random) : cutWire(cable, k, random),
    ),
    missing_strands: atWire(({ wires }, k, random) => {
      const towards = anyDirection(random)
      const away = random.uniform(0.02, 0.075)
      const [x, y] = [away * towards.cos, away * towards.sin]
      const reach = random.uniform(0.034, 0.048)
      const strands = wires[k]!.strands.filter((s) => length(s.x - x, s.y - y) > reach)
      return { wires: wires.with(k, { ...wires[k]!, strands }) }
    }),
    /** A puncture in a wire's insulation with a raised rim. */
    poke: atWire((cable, _k, random) => {
      const [cx, cy] = cable.wires[random.integer(3)]!.centre
      const towards = anyDirection(random)
      const away = ((radii.wire + radii.conductor) / 2) * cable.pose.scale
      const [x0, y0] = [cx + away * towards.cos, cy + away * towards.sin]
      const r = random.uniform(0.022, 0.028)
      const squash = random.uniform(1, 1.35)
      return {
        over: (canvas) =>
          paint(canvas, around(x0, y0, r * 2), (x, y, out) => {
            const [u, v] = [(x - x0) / r, (y - y0) / r]
            const [a, b] = inAxes(towards, u, v)
            const radial = length(a * squash, b)
            const lit = clamp(0.5 - 0.5 * ((u + v) / Math.max(radial, 0.1)), 0, 1)
            const pit = 1 - smoothstep(0.75, 0.95, radial)
            put(out, [0.2, 0.19, 0.18], (1 - pit) * (0.4 + 2.2 * lit) + pit * 0.06)
            return 1 - smoothstep(1, 1.25, radial)
          }),
      }
    }),
    wrong_wire: atWire(({ wires }, k, random) => {
      const colour = insulation[(k + 1 + random.integer(2)) % 3]!
      return { wires: wires.with(k, { ...wires[k]!, colour }) }
    }),
  },
})

/** A flaw of any wire. */
function atWire(flaw: (cable: Cable, k: number, random: Random) => Partial<Cable>) {
  return (cable: Cable, random: Random) => flaw(cable, random.integer(3), random)
}

/** A gap through the sheath. */
function cutSheath({ pose: at }: Cable, random: Random): Partial<Cable> {
  const towards = anyDirection(random)
  const half = random.uniform(0.035, 0.06)
  return {
    missing(layer, x, y) {
      if (layer !== -1) return false
      const [out, across] = inAxes(towards, x - at.x, y - at.y)
      return out > 0 && Math.abs(across) < half * (1 + 0.35 * noise(x * 60, y * 60, 91))
    },
  }
}

/** A wedge out of one wire's insulation, towards the middle of the cable or away from it. */
function cutWire({ wires }: Cable, k: number, random: Random): Partial<Cable> {
  const towards = anyDirection(random)
  const half = random.uniform(0.026, 0.038)
  const [cx, cy] = wires[k]!.centre
  return {
    missing(layer, x, y) {
      if (layer !== k) return false
      const [out, across] = inAxes(towards, x - cx, y - cy)
      return out > 0 && Math.abs(across) < half * (0.5 + 5 * out)
    },
  }
}
