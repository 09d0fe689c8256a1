import type { Random } from '@cflow/base'
import { around, paint, put } from '../canvas.js'
import type { Canvas } from '../canvas.js'
import type { Flaw } from '../kind.js'
import { clamp, cos, sin, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import { length, wander } from '../shapes.js'
import type { Point } from '../shapes.js'
import { stroke, strokeShadow } from '../stroke.js'
import { copper } from './cable-strands.js'
import { insulation, radii } from './cable-model.js'
import type { Cable, Missing, Wire } from './cable-model.js'

/** A cable with what its flaw takes away or exchanges. */
interface Altered {
  readonly cable: Cable
  readonly missing: Missing
}

const nothing: Missing = () => false

/** Take away or exchange what the flaw does. */
export function alterCable(cable: Cable, flaw: Flaw | undefined): Altered {
  if (flaw === undefined) return { cable, missing: nothing }
  const { random } = flaw
  const k = random.integer(3)
  const change = (edit: (wire: Wire) => Wire): Cable => ({
    ...cable,
    wires: cable.wires.map((wire, i) => (i === k ? edit(wire) : wire)),
  })
  if (flaw.type === 'wrong_wire') {
    const colour = insulation[(k + 1 + random.integer(2)) % 3]!
    return { cable: change((wire) => ({ ...wire, colour })), missing: nothing }
  }
  if (flaw.type === 'missing_strands') {
    const angle = random.uniform(0, 6.28)
    const away = random.uniform(0.02, 0.075)
    const [x, y] = [away * cos(angle), away * sin(angle)]
    const reach = random.uniform(0.034, 0.048)
    const kept = (wire: Wire): Wire => ({
      ...wire,
      strands: wire.strands.filter((s) => length(s.x - x, s.y - y) > reach),
    })
    return { cable: change(kept), missing: nothing }
  }
  if (flaw.type === 'cut_insulation')
    return {
      cable,
      missing: random.next() < 0.5 ? cutSheath(cable, random) : cutWire(cable, k, random),
    }
  return { cable, missing: nothing }
}

/** A gap through the sheath. */
function cutSheath({ pose: at }: Cable, random: Random): Missing {
  const angle = random.uniform(0, 6.28)
  const [nx, ny] = [cos(angle), sin(angle)]
  const half = random.uniform(0.035, 0.06)
  return (layer, x, y) => {
    const [dx, dy] = [x - at.x, y - at.y]
    const out = dx * nx + dy * ny
    return (
      layer === -1 &&
      out > 0 &&
      Math.abs(dx * ny - dy * nx) < half * (1 + 0.35 * noise(x * 60, y * 60, 91))
    )
  }
}

/** A wedge out of one wire's insulation, towards the middle of the cable or away from it. */
function cutWire({ wires }: Cable, k: number, random: Random): Missing {
  const angle = random.uniform(0, 6.28)
  const [nx, ny] = [cos(angle), sin(angle)]
  const half = random.uniform(0.026, 0.038)
  const [cx, cy] = wires[k]!.centre
  return (layer, x, y) => {
    const [dx, dy] = [x - cx, y - cy]
    const out = dx * nx + dy * ny
    return layer === k && out > 0 && Math.abs(dx * ny - dy * nx) < half * (0.5 + 5 * out)
  }
}

/** Paint what the flaw adds on top. */
export function paintCableFlaw(canvas: Canvas, cable: Cable, flaw: Flaw): void {
  if (flaw.type === 'poke') poke(canvas, cable, flaw.random)
  if (flaw.type === 'bent_strands') bend(canvas, cable, flaw.random)
}

/** A puncture in a wire's insulation with a raised rim. */
function poke(canvas: Canvas, { wires, pose: at }: Cable, random: Random): void {
  const [cx, cy] = wires[random.integer(3)]!.centre
  const angle = random.uniform(0, 6.28)
  const away = ((radii.wire + radii.conductor) / 2) * at.scale
  const [x0, y0] = [cx + away * cos(angle), cy + away * sin(angle)]
  const r = random.uniform(0.022, 0.028)
  const squash = random.uniform(1, 1.35)
  paint(canvas, around(x0, y0, r * 2), (x, y, out) => {
    const [u, v] = [(x - x0) / r, (y - y0) / r]
    const radial = length(
      (u * cos(angle) + v * sin(angle)) * squash,
      v * cos(angle) - u * sin(angle),
    )
    const lit = clamp(0.5 - 0.5 * ((u + v) / Math.max(radial, 0.1)), 0, 1)
    const pit = 1 - smoothstep(0.75, 0.95, radial)
    put(out, [0.2, 0.19, 0.18], (1 - pit) * (0.4 + 2.2 * lit) + pit * 0.06)
    return 1 - smoothstep(1, 1.25, radial)
  })
}

/** A few strands bent over, lying across the insulation. */
function bend(canvas: Canvas, { wires, pose: at }: Cable, random: Random): void {
  const [cx, cy] = wires[random.integer(3)]!.centre
  const towards = random.uniform(0, 6.28)
  const lines = Array.from({ length: 3 + random.integer(3) }, (): Point[] => {
    const side = towards + random.uniform(-0.5, 0.5)
    const from = radii.conductor * at.scale * random.uniform(0.45, 0.8)
    const start: Point = [cx + from * cos(side), cy + from * sin(side)]
    return wander(start, side + random.uniform(-0.5, 0.5), 8, 0.0125, 0.3, random)
  })
  const r = 0.0118 * at.scale
  for (const line of lines) {
    strokeShadow(canvas, line, r, 0.008, 0.7)
    stroke(canvas, line, r, (across, along, out) => {
      const gloss = clamp(1 - Math.abs(across + 0.35) * 1.9)
      put(out, copper, 0.3 + 0.35 * (1 - across * across) + 0.9 * gloss * gloss + 0.02 * along)
    })
  }
}
