/** 32 random-looking bits of a lattice point; the same for the same three integers, everywhere. */
function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

let lattice: Float64Array | undefined

/** Heights of the 256×256 points that all noise is cut from, in [−1, 1); made on first use. */
const latticeHeights = (): Float64Array =>
  (lattice ??= Float64Array.from(
    { length: 256 * 256 },
    (_, i) => hash(i & 255, i >> 8, 0x5eed) / 2147483648 - 1,
  ))

/**
 * Smooth random surface with one bump per unit, in [−1, 1] (value noise: random heights on a lattice, cubic between).
 * Seeds choose which part of the lattice lies at the origin; it repeats after 256 units.
 */
export function noise(x: number, y: number, seed: number): number {
  const heights = latticeHeights()
  const origin = Math.imul(seed + 0x2545, 0x9e3779b1) >>> 16
  const ix = Math.floor(x)
  const iy = Math.floor(y)
  const fx = x - ix
  const fy = y - iy
  const u = fx * fx * (3 - 2 * fx)
  const v = fy * fy * (3 - 2 * fy)
  const left = (ix + origin) & 255
  const right = (left + 1) & 255
  const row = iy + (origin >> 8)
  const upper = (row & 255) << 8
  const lower = ((row + 1) & 255) << 8
  const top = heights[upper + left]! * (1 - u) + heights[upper + right]! * u
  const bottom = heights[lower + left]! * (1 - u) + heights[lower + right]! * u
  return top + (bottom - top) * v
}

/** Sum of `octaves` of noise, each twice as fine and half as strong; within [−2, 2]. */
export function fractal(x: number, y: number, seed: number, octaves: number): number {
  let sum = 0
  let scale = 1
  for (let i = 0; i < octaves; i++) {
    sum += noise(x * scale, y * scale, seed + i * 7919) / scale
    scale *= 2
  }
  return sum
}

/** The `i`-th value of nearly normal noise of deviation 1: the sum of the four bytes of a hash. */
export function grain(i: number, seed: number): number {
  const h = hash(i, 0, seed)
  return ((h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24) - 510) / 147.8
}
