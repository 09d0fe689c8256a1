import type { Mask, RgbImage } from '@cflow/base'

export type Colour = readonly [red: number, green: number, blue: number]

/** Pixels of a mask within `thickness` of its border, the picture's edge counting as one. */
export function borderOf(mask: Mask, thickness = 1): Mask {
  let inner: Uint8Array = mask.data
  for (let i = 0; i < thickness; i++) inner = eroded(inner, mask.width, mask.height)
  return { ...mask, data: mask.data.map((v, i) => (v !== 0 && inner[i] === 0 ? 1 : 0)) }
}

/** Pixels outside a mask that touch it, as thick as asked for. */
export function haloOf(mask: Mask, thickness = 1): Mask {
  const outside = { ...mask, data: mask.data.map((v) => (v === 0 ? 1 : 0)) }
  let grown: Uint8Array = outside.data
  for (let i = 0; i < thickness; i++) grown = eroded(grown, mask.width, mask.height, 1)
  return { ...mask, data: outside.data.map((v, i) => (v === 1 && grown[i] === 0 ? 1 : 0)) }
}

/** Mix a colour into the image where the mask is set, in place. */
export function paint(image: RgbImage, mask: Mask, colour: Colour, opacity: number): void {
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue
    for (let c = 0; c < 3; c++) {
      const at = i * 3 + c
      image.data[at] = Math.round(image.data[at]! * (1 - opacity) + colour[c]! * opacity)
    }
  }
}

/** The image, its mask's border drawn in a colour with a thin dark line around it, so that it shows on any ground. */
export function drawOutline(image: RgbImage, mask: Mask, colour: Colour): void {
  const thickness = Math.max(1, Math.round(Math.min(image.width, image.height) / 200))
  paint(image, haloOf(mask, thickness), [0, 0, 0], 0.55)
  paint(image, borderOf(mask, thickness), colour, 1)
}

/** The image, a line in a colour just outside the mask: what the mask covers stays as it is. */
export function drawRing(image: RgbImage, mask: Mask, colour: Colour): void {
  const thickness = Math.max(2, Math.round(Math.min(image.width, image.height) / 150))
  paint(image, haloOf(mask, thickness), colour, 1)
}

/** One step of erosion by the four neighbours; `beyond` is what lies outside the picture. */
function eroded(data: Uint8Array, width: number, height: number, beyond = 0): Uint8Array {
  const out = new Uint8Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      const kept =
        data[i] !== 0 &&
        (x > 0 ? data[i - 1]! : beyond) !== 0 &&
        (x < width - 1 ? data[i + 1]! : beyond) !== 0 &&
        (y > 0 ? data[i - width]! : beyond) !== 0 &&
        (y < height - 1 ? data[i + width]! : beyond) !== 0
      out[i] = kept ? 1 : 0
    }
  return out
}
