import { type Box, type Canvas, edge, paint, tint } from './canvas.js'
import { smoothstep } from './maths.js'
import { nearest, type Point } from './shapes.js'

/**
 * Paint a round cord along a line. `shade` gets the place across the cord (−1 to 1, towards the light negative), the
 * place along it (in segments) and the output colour.
 */
export function stroke(
  canvas: Canvas,
  line: readonly Point[],
  radius: number,
  shade: (across: number, along: number, out: Float64Array) => void,
): void {
  paint(canvas, boxOf(line, radius * 1.5), (x, y, out) => {
    const { distance, a, b, index, along } = nearest(line, x, y)
    const opacity = edge(canvas, distance - radius)
    // Light comes from the upper left: the side of the cord that faces it is negative.
    const lit = x - a[0] - along * (b[0] - a[0]) + (y - a[1] - along * (b[1] - a[1])) < 0
    if (opacity > 0) shade(((lit ? -1 : 1) * distance) / radius, index + along, out)
    return opacity
  })
}

/** The soft shadow of a cord on what lies below. */
export function strokeShadow(canvas: Canvas, line: readonly Point[], radius: number): void {
  const shifted = line.map(([x, y]): Point => [x + 0.008, y + 0.008])
  tint(canvas, boxOf(shifted, radius * 3), (x, y, out) => {
    const { distance } = nearest(shifted, x, y)
    out.fill(1 - 0.7 * (1 - smoothstep(radius * 0.4, radius * 2.2, distance)))
  })
}

function boxOf(line: readonly Point[], margin: number): Box {
  const [xs, ys] = [line.map(([x]) => x), line.map(([, y]) => y)]
  return {
    left: Math.min(...xs) - margin,
    top: Math.min(...ys) - margin,
    right: Math.max(...xs) + margin,
    bottom: Math.max(...ys) + margin,
  }
}
