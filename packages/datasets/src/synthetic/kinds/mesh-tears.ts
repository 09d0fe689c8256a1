import type { Random } from '@cflow/base'
import { put } from '../canvas.js'
import type { Canvas } from '../canvas.js'
import type { Flaw } from '../kind.js'
import { cos, sin } from '../maths.js'
import { blob, blobDistance, blobReach, length } from '../shapes.js'
import type { Point } from '../shapes.js'
import { stroke } from '../stroke.js'
import { spot, threadCoordinates, yarnColours } from './mesh-model.js'
import type { Cloth, Gone } from './mesh-model.js'

/** What a flaw tears out of the cloth, and the fibres that stand into the gap. */
export interface Tear {
  readonly gone: Gone
  readonly fibres: readonly (readonly Point[])[]
}

/** The damage of a flaw; none for those that only lie on top. */
export function tearOf(cloth: Cloth, { type, random }: Flaw): Tear | undefined {
  if (type === 'broken_thread') return brokenThread(cloth, random)
  return type === 'hole' ? hole(random) : undefined
}

function brokenThread(cloth: Cloth, random: Random): Tear {
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
  const gone: Gone = (warp, k, _x, _y, at) =>
    warp === ofWarp && k === thread && Math.abs(at - middle) < half
  return { gone, fibres }
}

function hole(random: Random): Tear {
  const [x, y] = spot(random)
  const edge = blob(x, y, random.uniform(0.04, 0.065), 0.3, random)
  const fibres = Array.from({ length: 22 }, () => {
    const angle = random.uniform(0, 6.28)
    let reach = blobReach(edge)
    const [dx, dy] = [cos(angle), sin(angle)]
    while (reach > 0.01 && blobDistance(edge, x + reach * dx, y + reach * dy) > -0.002)
      reach -= 0.002
    return fibre([x + reach * dx, y + reach * dy], -dx, -dy, 0.0035, random)
  })
  return { gone: (_warp, _thread, px, py) => blobDistance(edge, px, py) < 0, fibres }
}

/** A loose end that starts out in a direction and curls. */
function fibre(start: Point, dx: number, dy: number, step: number, random: Random): Point[] {
  let [x, y] = start
  let [u, v] = [dx, dy]
  let curl = random.uniform(-0.5, 0.5)
  const points: Point[] = [start]
  for (let left = 4 + random.integer(4); left > 0; left--) {
    curl += random.uniform(-0.2, 0.2)
    const turned: Point = [u - curl * v, v + curl * u]
    const norm = length(turned[0], turned[1])
    u = turned[0] / norm
    v = turned[1] / norm
    x += step * u
    y += step * v
    points.push([x, y])
  }
  return points
}

/** Paint the loose ends of a tear. */
export function paintFibres(canvas: Canvas, { fibres }: Tear): void {
  for (const [i, line] of fibres.entries())
    stroke(canvas, line, 0.0024, (across, _along, out) => {
      put(out, i % 3 === 0 ? yarnColours.weft : yarnColours.warp, 0.75 - 0.3 * across)
    })
}
