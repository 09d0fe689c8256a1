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

/** The whole picture. */
export const everywhere: Box = { left: 0, top: 0, right: 1, bottom: 1 }

/** A black canvas. */
export function canvasOf(side: number): Canvas {
  return { side, light: new Float32Array(side * side * 3) }
}

/** The box around a point. */
export function around(x: number, y: number, radius: number): Box {
  return { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
}

/** Opacity of a shape at a signed distance (negative inside), its edge one canvas pixel wide. */
export function edge(canvas: Canvas, distance: number): number {
  return clamp(0.5 - distance * canvas.side)
}

/** The pixels that a box touches, within the picture; right and bottom excluded. */
function pixelsOf({ side }: Canvas, { left, top, right, bottom }: Box): Box {
  return {
    left: Math.max(Math.floor(left * side), 0),
    top: Math.max(Math.floor(top * side), 0),
    right: Math.min(Math.ceil(right * side), side),
    bottom: Math.min(Math.ceil(bottom * side), side),
  }
}

/**
 * Paint within a box. `shade` writes the colour of a point into `out[0..2]` and returns its opacity, 0 to 1.
 */
export function paint(
  canvas: Canvas,
  box: Box,
  shade: (x: number, y: number, out: Float64Array) => number,
): void {
  const { side, light } = canvas
  const out = new Float64Array(3)
  const { left, right, top, bottom } = pixelsOf(canvas, box)
  for (let py = top; py < bottom; py++) {
    const y = (py + 0.5) / side
    for (let px = left; px < right; px++) {
      const opacity = shade((px + 0.5) / side, y, out)
      if (opacity <= 0) continue
      const at = (py * side + px) * 3
      light[at] = light[at]! + (out[0]! - light[at]!) * opacity
      light[at + 1] = light[at + 1]! + (out[1]! - light[at + 1]!) * opacity
      light[at + 2] = light[at + 2]! + (out[2]! - light[at + 2]!) * opacity
    }
  }
}

/** Darken or tint within a box: light is multiplied by the factors that `factor` writes into `out[0..2]`. */
export function tint(
  canvas: Canvas,
  box: Box,
  factor: (x: number, y: number, out: Float64Array) => void,
): void {
  const { side, light } = canvas
  const out = new Float64Array(3)
  const { left, right, top, bottom } = pixelsOf(canvas, box)
  for (let py = top; py < bottom; py++)
    for (let px = left; px < right; px++) {
      factor((px + 0.5) / side, (py + 0.5) / side, out)
      const at = (py * side + px) * 3
      for (let c = 0; c < 3; c++) light[at + c] = light[at + c]! * out[c]!
    }
}

/** Write a colour times a brightness. */
export function put(out: Float64Array, [r, g, b]: Colour, brightness: number): void {
  out[0] = r * brightness
  out[1] = g * brightness
  out[2] = b * brightness
}
