import type { Random } from '@cflow/base'
import { around, type Canvas, type Colour, put, tint } from '../canvas.js'
import { kindOf } from '../kind.js'
import { clamp, smoothstep } from '../maths.js'
import { noise } from '../noise.js'
import {
  anyDirection,
  blob,
  blobDistance,
  blobReach,
  length,
  type Point,
  wander,
} from '../shapes.js'
import { stroke, strokeShadow } from '../stroke.js'
import { dirt } from './dirt.js'
import { type Cloth, drawCloth, paintCloth, threadCoordinates, yarnColours } from './mesh-model.js'

const inks: readonly Colour[] = [
  [0.75, 0.16, 0.14],
  [0.35, 0.3, 0.2],
  [0.25, 0.6, 0.3],
]

/** An open plain weave of light warp and blue weft over a dark ground. */
export const mesh = kindOf<Cloth>({
  variation: { exposure: 0.15, gradient: 0.12 },
  gap: 0.022,
  draw: drawCloth,
  paint: paintCloth,
  flaws: {
    broken_thread(cloth, random) {
      const [x, y] = spot(random)
      const [p, q] = threadCoordinates(cloth, x, y)
      const ofWarp = random.next() < 0.5
      const thread = Math.floor(ofWarp ? p : q)
      const [middle, side] = ofWarp ? [q, thread + 0.5 - p] : [p, thread + 0.5 - q]
      const half = random.uniform(1.6, 2.8)
      // Unit vectors along and across the thread, in the picture.
      const along: Point = ofWarp ? [-cloth.sin, cloth.cos] : [cloth.cos, cloth.sin]
      const across: Point = ofWarp ? [cloth.cos, cloth.sin] : [-cloth.sin, cloth.cos]
      const fibres = Array.from({ length: 10 }, (_, i) => {
        const end = i % 2 === 0 ? 1 : -1
        const off = side + random.uniform(-0.3, 0.3)
        const start: Point = [
          x + cloth.pitch * (end * half * along[0] + off * across[0]),
          y + cloth.pitch * (end * half * along[1] + off * across[1]),
        ]
        return fibre(start, -end * along[0], -end * along[1], 0.004, random)
      })
      return {
        gone: (warp, k, _x, _y, at) =>
          warp === ofWarp && k === thread && Math.abs(at - middle) < half,
        over: (canvas) => paintFibres(canvas, fibres),
      }
    },
    contamination(_, random) {
      const at = spot(random)
      return { over: dirt(at, random.uniform(0.034, 0.052), random) }
    },
    hole(_, random) {
      const [x, y] = spot(random)
      const edge = blob([x, y], random.uniform(0.04, 0.065), 0.3, random)
      const fibres = Array.from({ length: 22 }, () => {
        const { cos: dx, sin: dy } = anyDirection(random)
        let reach = blobReach(edge)
        while (reach > 0.01 && blobDistance(edge, x + reach * dx, y + reach * dy) > -0.002)
          reach -= 0.002
        return fibre([x + reach * dx, y + reach * dy], -dx, -dy, 0.0035, random)
      })
      return {
        gone: (_warp, _thread, px, py) => blobDistance(edge, px, py) < 0,
        over: (canvas) => paintFibres(canvas, fibres),
      }
    },
    loose_thread(cloth, random) {
      const start = spot(random)
      const line = wander(start, random.uniform(0, 6.28), 34, 0.0095, 0.2, random)
      const radius = random.uniform(0.009, 0.012)
      return {
        over(canvas) {
          strokeShadow(canvas, line, radius)
          stroke(canvas, line, radius, (across, along, out) => {
            const fuzz = 1.1 + 0.25 * noise(across * 3 + along * 2, along * 5, cloth.seed + 77)
            put(out, yarnColours.warp, clamp(0.85 - 0.45 * across, 0.1, 1.3) * fuzz)
          })
        },
      }
    },
    stain(_, random) {
      const b = blob(spot(random), random.uniform(0.05, 0.085), 0.25, random)
      const ink = inks[random.integer(inks.length)]!
      return {
        over: (canvas) =>
          tint(canvas, around(b.x, b.y, blobReach(b)), (x, y, out) => {
            const d = blobDistance(b, x, y)
            const soaked = 1 - smoothstep(-0.35 * b.radius, 0.05 * b.radius, d)
            const rim = clamp(1 - Math.abs(d / b.radius + 0.12) * 6) * 0.15
            for (let c = 0; c < 3; c++) out[c] = 1 - soaked * (1 - ink[c]!) * (0.85 + rim)
          }),
      }
    },
  },
})

/** Somewhere in the picture, not at its border. */
function spot(random: Random): Point {
  return [random.uniform(0.15, 0.85), random.uniform(0.15, 0.85)]
}

/** A loose end that starts out in a direction and curls. */
function fibre(start: Point, dx: number, dy: number, step: number, random: Random): Point[] {
  let [x, y] = start
  let [u, v] = [dx, dy]
  let curl = random.uniform(-0.5, 0.5)
  const points: Point[] = [start]
  for (let left = 4 + random.integer(4); left > 0; left--) {
    curl += random.uniform(-0.2, 0.2)
    const [du, dv] = [u - curl * v, v + curl * u]
    const norm = length(du, dv)
    u = du / norm
    v = dv / norm
    x += step * u
    y += step * v
    points.push([x, y])
  }
  return points
}

/** Paint the fibres that stand into a tear. */
function paintFibres(canvas: Canvas, fibres: readonly (readonly Point[])[]): void {
  for (const [i, line] of fibres.entries())
    stroke(canvas, line, 0.0024, (across, _along, out) => {
      put(out, i % 3 === 0 ? yarnColours.weft : yarnColours.warp, 0.75 - 0.3 * across)
    })
}
