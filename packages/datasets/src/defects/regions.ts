import type { Random } from '@cflow/base'
import { cos, sin } from '../synthetic/maths.js'
import { fractal } from '../synthetic/noise.js'

/** Pixels that a defect covers: their places in the image, ascending, and how strongly, 0 to 1. */
export interface Region {
  readonly pixels: Int32Array
  readonly strength: Float32Array
}

/** Where a region is to lie: its image's size, its middle, and the number of its pixels. */
export interface Place {
  readonly width: number
  readonly height: number
  readonly x: number
  readonly y: number
  readonly area: number
}

const turn = 6.283185307179586

/** The middle of a box so moved that it lies in the image, where it can. */
const inside = (middle: number, half: number, size: number): number =>
  2 * half >= size ? size / 2 : Math.min(Math.max(middle, half), size - half)

/** A rectangle, at any angle where `turned`. @param aspect length by width, at least 1 */
export function rectangle(place: Place, aspect: number, turned: boolean, random: Random): Region {
  const { width, height, area } = place
  const length = Math.sqrt(area * aspect)
  const breadth = Math.max(area / length, 1)
  const angle = turned ? random.uniform(0, turn / 2) : random.integer(2) * (turn / 4)
  const [c, s] = [cos(angle), sin(angle)]
  const halfWide = (Math.abs(c) * length + Math.abs(s) * breadth) / 2
  const halfHigh = (Math.abs(s) * length + Math.abs(c) * breadth) / 2
  const x0 = inside(place.x, halfWide, width)
  const y0 = inside(place.y, halfHigh, height)
  return chosen(place, x0, y0, halfWide, halfHigh, (dx, dy) => {
    const along = Math.abs(dx * c + dy * s) / (length / 2)
    const across = Math.abs(dy * c - dx * s) / (breadth / 2)
    return -Math.max(along, across)
  })
}

/** A patch without a form, cut from smooth noise: near the middle likelier than far from it. */
export function blob(place: Place, random: Random): Region {
  const { width, height, area } = place
  const radius = 1.15 * Math.sqrt(area)
  const x0 = inside(place.x, radius, width)
  const y0 = inside(place.y, radius, height)
  const seed = random.integer(1 << 16)
  const bumps = random.uniform(1, 2.5) / radius
  return chosen(place, x0, y0, radius, radius, (dx, dy) => {
    const r = (dx * dx + dy * dy) / (radius * radius)
    return 0.7 * fractal(dx * bumps, dy * bumps, seed, 3) - 1.6 * r
  })
}

/** The `area` pixels of a box whose rank is highest; the strongest are those that rank first. */
function chosen(
  { width, height, area }: Place,
  x0: number,
  y0: number,
  halfWide: number,
  halfHigh: number,
  rank: (dx: number, dy: number) => number,
): Region {
  const found: { readonly at: number; readonly rank: number }[] = []
  const top = Math.max(0, Math.floor(y0 - halfHigh) - 1)
  const bottom = Math.min(height - 1, Math.ceil(y0 + halfHigh) + 1)
  const left = Math.max(0, Math.floor(x0 - halfWide) - 1)
  const right = Math.min(width - 1, Math.ceil(x0 + halfWide) + 1)
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++)
      found.push({ at: y * width + x, rank: rank(x + 0.5 - x0, y + 0.5 - y0) })
  found.sort((a, b) => b.rank - a.rank || a.at - b.at)
  const kept = found.slice(0, area)
  const strengths = new Map(kept.map(({ at }, i) => [at, 1 - i / kept.length]))
  const pixels = Int32Array.from(strengths.keys()).sort()
  return { pixels, strength: Float32Array.from(pixels, (at) => strengths.get(at)!) }
}
