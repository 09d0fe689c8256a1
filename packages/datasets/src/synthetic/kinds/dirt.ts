import type { Random } from '@cflow/base'
import { around, edge, paint, put, tint } from '../canvas.js'
import type { Canvas, Colour } from '../canvas.js'
import { clamp, smoothstep } from '../maths.js'
import { fractal } from '../noise.js'
import { blobDistance, blobReach } from '../shapes.js'
import type { Blob } from '../shapes.js'

const dirts: readonly Colour[] = [
  [0.16, 0.07, 0.03],
  [0.05, 0.045, 0.04],
  [0.3, 0.25, 0.2],
]

/** A lump of something that does not belong there, with its shadow: rust, grease or chips. */
export function paintDirt(canvas: Canvas, lump: Blob, random: Random): void {
  const colour = dirts[random.integer(dirts.length)]!
  const reach = blobReach(lump)
  const r = lump.radius
  tint(canvas, around(lump.x, lump.y, reach + r), (x, y, out) => {
    const d = blobDistance(lump, x - 0.2 * r, y - 0.2 * r)
    out.fill(1 - 0.6 * (1 - smoothstep(-0.1 * r, 0.3 * r, d)))
  })
  const height = (x: number, y: number): number =>
    smoothstep(0, 0.5 * r, -blobDistance(lump, x, y)) +
    0.45 * fractal((x * 3) / r, (y * 3) / r, lump.seed + 5, 2)
  paint(canvas, around(lump.x, lump.y, reach), (x, y, out) => {
    const opacity = edge(canvas, blobDistance(lump, x, y))
    if (opacity === 0) return 0
    const step = 0.06 * r
    const slope = height(x + step, y + step) - height(x - step, y - step)
    put(out, colour, clamp(0.8 + 1.6 * slope, 0.2, 3))
    return opacity
  })
}
