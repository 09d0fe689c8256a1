import type { Mask, RgbImage } from '@cflow/base'
import type { AnomalyMap } from '@cflow/detector'

export type Colour = readonly [red: number, green: number, blue: number]

/**
 * A map resampled bilinearly to another size. Pixel centres correspond ((i + ½)·S/n − ½), as in the resizing of
 * the image itself, so that what lay on a pixel lies on the same spot afterwards.
 * @returns the map itself when nothing changes
 */
export function resampleMap(map: AnomalyMap, width: number, height: number): AnomalyMap {
  if (width === map.width && height === map.height) return map
  const columns = steps(map.width, width)
  const data = new Float32Array(width * height)
  steps(map.height, height).forEach(([y0, y1, wy], y) => {
    const at = (row: number, column: number): number => map.data[row * map.width + column]!
    columns.forEach(([x0, x1, wx], x) => {
      const top = at(y0, x0) * (1 - wx) + at(y0, x1) * wx
      const bottom = at(y1, x0) * (1 - wx) + at(y1, x1) * wx
      data[y * width + x] = top * (1 - wy) + bottom * wy
    })
  })
  return { width, height, data }
}

function steps(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5))
    const low = Math.floor(at)
    return [low, Math.min(from - 1, low + 1), at - low] as const
  })
}

/** A mask resampled to another size by the nearest pixel. */
export function resampleMask(mask: Mask, width: number, height: number): Mask {
  if (mask.width === width && mask.height === height) return mask
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width
    for (let x = 0; x < width; x++)
      data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)]!
  }
  return { width, height, data }
}

/** Mix a colour into the image where the mask is set, in place. */
export function paint(image: RgbImage, mask: Mask, colour: Colour, opacity = 1): void {
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
  paint(image, rim(inverse(mask), thickness, 1), [0, 0, 0], 0.55)
  paint(image, rim(mask, thickness, 0), colour)
}

/** The image, a line in a colour just outside the mask: what the mask covers stays as it is. */
export function drawRing(image: RgbImage, mask: Mask, colour: Colour): void {
  const thickness = Math.max(2, Math.round(Math.min(image.width, image.height) / 150))
  paint(image, rim(inverse(mask), thickness, 1), colour)
}

const inverse = (mask: Mask): Mask => ({ ...mask, data: mask.data.map((v) => (v === 0 ? 1 : 0)) })

/**
 * The pixels of a mask within `thickness` steps, by the four neighbours, of what does not belong to it.
 * @param beyond whether what lies outside the picture belongs to it, 0 or 1
 */
function rim({ width, height, data }: Mask, thickness: number, beyond: number): Mask {
  let inner: Uint8Array = data
  for (let n = 0; n < thickness; n++) {
    const before = inner
    inner = before.map((v, i) => {
      const x = i % width
      const kept =
        v !== 0 &&
        (x > 0 ? before[i - 1]! : beyond) !== 0 &&
        (x < width - 1 ? before[i + 1]! : beyond) !== 0 &&
        (before[i - width] ?? beyond) !== 0 &&
        (before[i + width] ?? beyond) !== 0
      return kept ? 1 : 0
    })
  }
  return { width, height, data: data.map((v, i) => (v !== 0 && inner[i] === 0 ? 1 : 0)) }
}
