import { CflowError, type RgbImage } from '@cflow/base'

/**
 * Rotate an image anticlockwise about its centre, nearest neighbour, black corners, size kept: exactly Pillow's
 * `rotate(degrees)`. That is a 16.16 fixed-point walk through the source; multiples of 90° (90° and 270° where the
 * image is square) copy pixels instead. The training augmentation of the paper is this by ±5° (REFERENCE, Data).
 * @throws CflowError USAGE for an angle that is not finite or an image of 32768 pixels or more on a side
 */
export function rotateNearest(image: RgbImage, degrees: number): RgbImage {
  if (!Number.isFinite(degrees))
    throw new CflowError('USAGE', `cannot rotate by ${degrees} degrees`, { subject: 'degrees' })
  const { width, height } = image
  if (Math.max(width, height) > 32767)
    throw new CflowError('USAGE', `an image of ${width}×${height} is too large to rotate`)
  const angle = ((degrees % 360) + 360) % 360
  if (angle === 0) return { ...image, data: image.data.slice() }
  if (angle === 180) return gather(image, (x, y) => at(image, width - 1 - x, height - 1 - y))
  if (width === height && angle === 90) return gather(image, (x, y) => at(image, width - 1 - y, x))
  if (width === height && angle === 270)
    return gather(image, (x, y) => at(image, y, height - 1 - x))
  return rotateFixedPoint(image, angle)
}

function rotateFixedPoint(image: RgbImage, angle: number): RgbImage {
  const { width, height } = image
  const radians = -(angle * (Math.PI / 180))
  const cos = round15(Math.cos(radians))
  const sin = round15(Math.sin(radians))
  const [cx, cy] = [width / 2, height / 2]
  const dx = cos * -cx + sin * -cy + cx
  const dy = -sin * -cx + cos * -cy + cy
  const [xx, xy, yx, yy] = [fixed(cos), fixed(sin), fixed(-sin), fixed(cos)]
  const x0 = fixed(dx + cos * 0.5 + sin * 0.5)
  const y0 = fixed(dy - sin * 0.5 + cos * 0.5)
  return gather(image, (x, y) => {
    const sx = Math.floor((x0 + xx * x + xy * y) / 65536)
    const sy = Math.floor((y0 + yx * x + yy * y) / 65536)
    return sx >= 0 && sx < width && sy >= 0 && sy < height ? at(image, sx, sy) : -1
  })
}

function at(image: RgbImage, x: number, y: number): number {
  return (y * image.width + x) * 3
}

/** A new image of the same size whose pixel comes from the offset `source` gives; black where that is negative. */
function gather(image: RgbImage, source: (x: number, y: number) => number): RgbImage {
  const { width, height } = image
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, out = 0; y < height; y++)
    for (let x = 0; x < width; x++, out += 3) {
      const from = source(x, y)
      if (from < 0) continue
      data[out] = image.data[from]!
      data[out + 1] = image.data[from + 1]!
      data[out + 2] = image.data[from + 2]!
    }
  return { width, height, data }
}

function fixed(v: number): number {
  return Math.floor(v * 65536 + 0.5)
}

function round15(v: number): number {
  return Number(v.toFixed(15))
}
