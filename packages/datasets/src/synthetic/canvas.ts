import { clamp } from './maths.js'

/** Linear red, green and blue; 1 is white in full light. */
export type Colour = readonly [number, number, number]

/**
 * A square picture being painted, `side`×`side` pixels of linear light, interleaved RGB. Painters use coordinates from
 * 0 to 1 across the picture, so that they know nothing of its resolution.
 */
export interface Canvas {
  readonly side: number
  readonly light: Float32Array
}

/** A rectangle in picture coordinates. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** The box around a point. */
export function around(x: number, y: number, radius: number): Box {
  return { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
}

/** The whole picture. */
export const everywhere: Box = around(0.5, 0.5, 0.5)

/** Opacity of a shape at a signed distance (negative inside), its edge one canvas pixel wide. */
export function edge(canvas: Canvas, distance: number): number {
  return clamp(0.5 - distance * canvas.side)
}

/** Visit the pixels that a box touches, within the picture, by their centre and the place of their light. */
function eachPixel(
  { side }: Canvas,
  box: Box,
  visit: (x: number, y: number, at: number) => void,
): void {
  const left = Math.max(Math.floor(box.left * side), 0)
  const right = Math.min(Math.ceil(box.right * side), side)
  const bottom = Math.min(Math.ceil(box.bottom * side), side)
  for (let py = Math.max(Math.floor(box.top * side), 0); py < bottom; py++)
    for (let px = left; px < right; px++)
      visit((px + 0.5) / side, (py + 0.5) / side, (py * side + px) * 3)
}

/** Writes a colour at a point into `out[0..2]`. */
type Shade<T> = (x: number, y: number, out: Float64Array) => T

/** Paint within a box. `shade` gives colours and returns their opacity, 0 to 1. */
export function paint(canvas: Canvas, box: Box, shade: Shade<number>): void {
  const { light } = canvas
  const out = new Float64Array(3)
  eachPixel(canvas, box, (x, y, at) => {
    const opacity = shade(x, y, out)
    if (opacity <= 0) return
    for (let c = 0; c < 3; c++) light[at + c]! += (out[c]! - light[at + c]!) * opacity
  })
}

/** Darken or tint within a box: light is multiplied by the factors that `factor` gives. */
export function tint(canvas: Canvas, box: Box, factor: Shade<void>): void {
  const { light } = canvas
  const out = new Float64Array(3)
  eachPixel(canvas, box, (x, y, at) => {
    factor(x, y, out)
    for (let c = 0; c < 3; c++) light[at + c]! *= out[c]!
  })
}

/** Write a colour times a brightness. */
export function put(out: Float64Array, [r, g, b]: Colour, brightness: number): void {
  out[0] = r * brightness
  out[1] = g * brightness
  out[2] = b * brightness
}
