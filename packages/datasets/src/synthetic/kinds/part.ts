import { around, everywhere, paint, put } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import type { Kind } from '../kind.js'
import { clamp, smoothstep } from '../maths.js'
import { fractal, noise } from '../noise.js'
import { bendPlate, paintPartFlaw } from './part-flaws.js'
import type { Bend } from './part-flaws.js'
import { drop, onPlate, plateDistance } from './part-model.js'
import type { Plate } from './part-model.js'

const belt: Colour = [0.05, 0.062, 0.07]
const steel: Colour = [0.6, 0.61, 0.62]
const bevel = 0.011

/** A stamped and brushed steel bracket on a dark rubber belt, at any angle. */
export const part: Kind = {
  name: 'part',
  defects: ['bent_edge', 'burr', 'contamination', 'dent', 'missing_hole', 'scratch'],
  variation: { exposure: 0.14, gradient: 0.14 },
  gap: 0.008,
  paint(canvas, scene, flaw) {
    const plate = drop(scene)
    const bend = bendPlate(plate, flaw)
    paintBelt(canvas, plate, bend)
    paintSteel(canvas, plate, bend)
    if (flaw !== undefined) paintPartFlaw(canvas, plate, flaw)
  },
}

function paintBelt(canvas: Canvas, plate: Plate, bend: Bend): void {
  const { seed } = plate
  paint(canvas, everywhere, (x, y, out) => {
    const [u, v] = onPlate(plate, x - 0.012, y - 0.014)
    const shadow = 1 - 0.7 * (1 - smoothstep(-0.012, 0.026, plateDistance(u, v, bend.outline)))
    const rubber =
      0.22 * noise(x * 140, y * 140, seed) + 0.16 * fractal(x * 22, y * 22, seed + 1, 2)
    put(out, belt, shadow * (1 + rubber))
    return 1
  })
}

function paintSteel(canvas: Canvas, plate: Plate, bend: Bend): void {
  const { pose: at, seed } = plate
  const distance = (u: number, v: number): number => plateDistance(u, v, bend.outline)
  // Brushed steel is brightest where its grain runs across the light, which comes from the upper left.
  const gloss = 0.82 + 0.24 * Math.abs(at.cos - at.sin) * 0.7071
  paint(canvas, around(at.x, at.y, 0.42), (x, y, out) => {
    const [u, v] = onPlate(plate, x, y)
    const d = distance(u, v)
    const opacity = clamp(0.5 - d * at.scale * canvas.side)
    if (opacity === 0) return 0
    const grain = noise(u * 9, v * 230, seed + 2) + 0.7 * noise(u * 26, v * 420, seed + 3)
    const mottle = fractal(u * 7, v * 7, seed + 4, 2)
    let [tiltU, tiltV] = bend.tilt?.(u, v) ?? [0, 0]
    if (d > -bevel) {
      const h = 0.002
      const lean = (0.9 * (d + bevel)) / bevel
      tiltU += (lean * (distance(u + h, v) - distance(u - h, v))) / (2 * h)
      tiltV += (lean * (distance(u, v + h) - distance(u, v - h))) / (2 * h)
    }
    // The tilt as the picture sees it, against the light from the upper left.
    const tiltX = at.cos * tiltU - at.sin * tiltV
    const tiltY = at.sin * tiltU + at.cos * tiltV
    const facing = 1 - 0.42 * (tiltX + tiltY)
    const sheen = 1 + 0.16 * (0.5 - x + 0.5 - y)
    const kept = 1 - (bend.shade?.(u, v) ?? 0)
    put(
      out,
      steel,
      kept * clamp(gloss * sheen * facing * (1 + 0.1 * grain + 0.06 * mottle), 0.06, 1.9),
    )
    return opacity
  })
}
