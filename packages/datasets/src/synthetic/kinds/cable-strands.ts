import { around, edge, paint, put } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import { clamp } from '../maths.js'
import { noise } from '../noise.js'
import { length, place } from '../shapes.js'
import { radii } from './cable-model.js'
import type { Cable, Wire } from './cable-model.js'

/** Bare copper in full light. */
export const copper: Colour = [0.68, 0.34, 0.19]

/** The bore of the insulation and the strands in it. */
export function paintConductor(canvas: Canvas, { pose: at }: Cable, wire: Wire): void {
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
