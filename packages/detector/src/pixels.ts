import { CflowError } from '@cflow/base'
import type { RgbImage } from '@cflow/base'

/** No image has more pixels than this; larger ones are refused. */
export const maxPixels = 100_000_000

/** No encoded image is larger than this. */
export const maxImageBytes = 512 * 1024 * 1024

/** Pixels in memory: three channels (`RgbImage`) or four (`ImageData`; alpha is dropped), interleaved, 8 bits. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** True for anything that has the form of `Pixels`, whether its sizes fit or not. */
export function isPixels(image: unknown): image is Pixels {
  const { width, height, data } = (image ?? {}) as Partial<Pixels>
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray
  return bytes && typeof width === 'number' && typeof height === 'number'
}

/**
 * Refuse a width and height out of range.
 * @throws CflowError IMAGE when one is not a positive integer, or there are over 100 million pixels
 */
export function checkSize(width: number, height: number, subject = 'image'): void {
  const positive = [width, height].every((n) => Number.isInteger(n) && n > 0)
  if (positive && width * height <= maxPixels) return
  throw new CflowError(
    'IMAGE',
    positive
      ? `${subject} has ${width}×${height} pixels, more than the ${maxPixels / 1e6} million allowed`
      : `${subject} has no pixels: its size is ${width}×${height}`,
    { subject, hint: positive ? 'Reduce it or cut it into tiles first.' : 'Is it loaded yet?' },
  )
}

/** @throws CflowError IMAGE for an encoded image of over 512 MiB */
export function checkBytes(size: number, subject = '(image bytes)'): void {
  if (size > maxImageBytes)
    throw new CflowError('IMAGE', `${subject} is larger than 512 MiB`, {
      subject,
      hint: 'Reduce the image first.',
    })
}

/**
 * Pixels with three channels.
 * @throws CflowError IMAGE when the size is out of range, or the data are not of that size
 */
export function toRgb({ width, height, data }: Pixels): RgbImage {
  checkSize(width, height)
  const count = width * height
  if (data.length === 3 * count)
    return { width, height, data: data instanceof Uint8Array ? data : new Uint8Array(data) }
  if (data.length !== 4 * count)
    throw new CflowError(
      'IMAGE',
      `an image of ${width}×${height} has ${3 * count} bytes (RGB) or ${4 * count} (RGBA), got ${data.length}`,
      { subject: 'image' },
    )
  const rgb = new Uint8Array(3 * count)
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from] as number
    rgb[to++] = data[from + 1] as number
    rgb[to++] = data[from + 2] as number
  }
  return { width, height, data: rgb }
}

/** The error for a value that is no image at all. */
export function notAnImage(image: unknown, accepted: string): CflowError {
  const kind = Object.prototype.toString.call(image).slice(8, -1)
  return new CflowError('IMAGE', `a value of type ${kind} is no image`, {
    subject: 'image',
    hint: `give ${accepted}`,
  })
}
