import { around, edge, paint, tint } from './canvas.js'
import type { Box, Canvas } from './canvas.js'
import { smoothstep } from './maths.js'
import { segment } from './shapes.js'
import type { Point } from './shapes.js'

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
    const near = nearest(line, x, y)
    const opacity = edge(canvas, near.distance - radius)
    if (opacity > 0) shade((near.side * near.distance) / radius, near.along, out)
    return opacity
  })
}

/** The soft shadow of a cord on what lies below: `offset` away, `depth` dark. */
export function strokeShadow(
  canvas: Canvas,
  line: readonly Point[],
  radius: number,
  offset: number,
  depth: number,
): void {
  const shifted = line.map(([x, y]): Point => [x + offset, y + offset])
  tint(canvas, boxOf(shifted, radius * 3), (x, y, out) => {
    const { distance } = nearest(shifted, x, y)
    out.fill(1 - depth * (1 - smoothstep(radius * 0.4, radius * 2.2, distance)))
  })
}

function nearest(
  line: readonly Point[],
  x: number,
  y: number,
): { readonly distance: number; readonly along: number; readonly side: number } {
  let distance = Infinity
  let along = 0
  let side = 1
  for (let i = 1; i < line.length; i++) {
    const a = line[i - 1]!
    const b = line[i]!
    const [d, t] = segment(x, y, a, b)
    if (d >= distance) continue
    distance = d
    along = i - 1 + t
    // Light comes from the upper left: the side of the cord that faces it is negative.
    side = x - a[0] - t * (b[0] - a[0]) + (y - a[1] - t * (b[1] - a[1])) < 0 ? -1 : 1
  }
  return { distance, along, side }
}

function boxOf(line: readonly Point[], margin: number): Box {
  const boxes = line.map(([x, y]) => around(x, y, margin))
  return {
    left: Math.min(...boxes.map((b) => b.left)),
    top: Math.min(...boxes.map((b) => b.top)),
    right: Math.max(...boxes.map((b) => b.right)),
    bottom: Math.max(...boxes.map((b) => b.bottom)),
  }
}
