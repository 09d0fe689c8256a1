import type { Random } from '@cflow/base'
import { around, type Canvas, type Colour, edge, paint, put, tint } from '../canvas.js'
import { clamp, smoothstep } from '../maths.js'
import { fractal } from '../noise.js'
import { blob, blobDistance, blobReach, type Point } from '../shapes.js'

const dirts: readonly Colour[] = [
  [0.16, 0.07, 0.03],
  [0.05, 0.045, 0.04],
  [0.3, 0.25, 0.2],
]

/** A lump of something that does not belong there, with its shadow: rust, grease or chips. */
export function dirt(at: Point, radius: number, random: Random): (canvas: Canvas) => void {
  const lump = blob(at, radius, 0.35, random)
  const colour = dirts[random.integer(dirts.length)]!
  const reach = blobReach(lump)
  const height = (x: number, y: number): number =>
    smoothstep(0, 0.5 * radius, -blobDistance(lump, x, y)) +
    0.45 * fractal((x * 3) / radius, (y * 3) / radius, lump.seed + 5, 2)
  return (canvas) => {
    tint(canvas, around(lump.x, lump.y, reach + radius), (x, y, out) => {
      const d = blobDistance(lump, x - 0.2 * radius, y - 0.2 * radius)
      out.fill(1 - 0.6 * (1 - smoothstep(-0.1 * radius, 0.3 * radius, d)))
    })
    paint(canvas, around(lump.x, lump.y, reach), (x, y, out) => {
      const opacity = edge(canvas, blobDistance(lump, x, y))
      if (opacity === 0) return 0
      const step = 0.06 * radius
      const slope = height(x + step, y + step) - height(x - step, y - step)
      put(out, colour, clamp(0.8 + 1.6 * slope, 0.2, 3))
      return opacity
    })
  }
}
