import { everywhere, paint, put } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import type { Kind } from '../kind.js'
import { clamp, smoothstep } from '../maths.js'
import { fractal, noise } from '../noise.js'
import { length } from '../shapes.js'
import { alterCable, paintCableFlaw } from './cable-flaws.js'
import { cut, radii } from './cable-model.js'
import type { Cable, Missing } from './cable-model.js'
import { paintConductor } from './cable-strands.js'

/** The cross-section of the paper's figure 1: sheath, filler, three insulated conductors of copper strands. */
export const cable: Kind = {
  name: 'cable',
  defects: ['bent_strands', 'cut_insulation', 'missing_strands', 'poke', 'wrong_wire'],
  variation: { exposure: 0.16, gradient: 0.14 },
  gap: 0.008,
  paint(canvas, scene, flaw) {
    const good = cut(scene)
    const { cable, missing } = alterCable(good, flaw)
    paintTable(canvas, cable)
    paintBody(canvas, cable, missing)
    for (const wire of cable.wires) paintConductor(canvas, cable, wire)
    if (flaw !== undefined) paintCableFlaw(canvas, cable, flaw)
  },
}

function paintTable(canvas: Canvas, { pose: at, seed }: Cable): void {
  const table: Colour = [0.34, 0.35, 0.37]
  const reach = radii.sheath * at.scale
  paint(canvas, everywhere, (x, y, out) => {
    const d = length(x - at.x - 0.02, y - at.y - 0.025) - reach
    const shadow = 1 - 0.65 * (1 - smoothstep(-0.01, 0.06, d))
    const cloth = 0.05 * noise(x * 120, y * 120, seed + 3) + 0.06 * noise(x * 9, y * 9, seed + 4)
    put(out, table, shadow * (1 + cloth))
    return 1
  })
}

/** Sheath, filler and insulation. */
function paintBody(canvas: Canvas, { pose: at, wires, seed }: Cable, missing: Missing): void {
  const s = at.scale
  paint(canvas, everywhere, (x, y, out) => {
    const dx = x - at.x
    const dy = y - at.y
    const r = length(dx, dy) / s
    if (r > radii.sheath * 1.05) return 0
    const wobble = 0.006 * noise(dx * 5 + 31, dy * 5, seed + 6)
    const outside = r - radii.sheath - wobble
    const opacity = clamp(0.5 - outside * s * canvas.side)
    if (opacity === 0) return 0
    const saw = 0.06 * noise((dx + dy) * 160, (dx - dy) * 7, seed + 7)
    const speck = noise(x * 150, y * 150, seed + 8)
    const inner = r - radii.filler - 0.7 * wobble
    if (inner > 0) {
      if (missing(-1, x, y)) {
        put(out, [0.5, 0.47, 0.42], 0.55 + 0.5 * fractal(x * 70, y * 70, seed + 12, 2))
        return opacity
      }
      const rim = 1 - 0.4 * smoothstep(-0.008, 0, outside)
      put(out, [0.07, 0.07, 0.075], rim * (1 + saw + 0.14 * speck))
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
      if (w > 0 || missing(k, x, y)) continue
      const rim = 1 - 0.35 * smoothstep(-0.007, 0, w)
      const lip = 1 - 0.5 * (1 - smoothstep(0, 0.012, w + radii.wire - radii.conductor))
      put(out, wire.colour, rim * lip * (1.05 + 1.6 * saw + 0.12 * speck))
      return 1
    }
    put(out, [0.58, 0.56, 0.51], bright)
    return 1
  })
}
