/**
 * Functions that give the same bits on every platform: only + − × ÷ and square roots, which IEEE 754 fixes, whereas
 * Math.sin and its like may differ in the last bit.
 */

const turn = 6.283185307179586

/** Sine of an angle in radians, to 1e-9 for |x| < 1e5. */
export function sin(x: number): number {
  let t = x - turn * Math.round(x / turn)
  if (t > turn / 4) t = turn / 2 - t
  else if (t < -turn / 4) t = -turn / 2 - t
  const s = t * t
  const tail = 1 - (s / 110) * (1 - (s / 156) * (1 - s / 210))
  return t * (1 - (s / 6) * (1 - (s / 20) * (1 - (s / 42) * (1 - (s / 72) * tail))))
}

/** Cosine of an angle in radians, to 1e-9 for |x| < 1e5. */
export function cos(x: number): number {
  return sin(x + turn / 4)
}

/** `v` held between `low` and `high`. */
export function clamp(v: number, low = 0, high = 1): number {
  return v < low ? low : v > high ? high : v
}

/** From 0 at `from` to 1 at `to`, smoothly. */
export function smoothstep(from: number, to: number, v: number): number {
  const t = clamp((v - from) / (to - from))
  return t * t * (3 - 2 * t)
}

/** Degrees to radians. */
export function radians(degrees: number): number {
  return (degrees * turn) / 360
}
