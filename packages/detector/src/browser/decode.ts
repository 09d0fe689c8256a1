import { CflowError, messageOf } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { asArray, isBytes } from '../bytes.js'
import type { Bytes } from '../bytes.js'
import { fetchBytes } from '../fetch.js'
import { checkBytes, isPixels, maxImageBytes, notAnImage, toRgb } from '../pixels.js'
import type { Pixels } from '../pixels.js'
import { isDrawable, pixelsOf } from './draw.js'
import type { Drawable } from './draw.js'
import { absolute } from './read.js'

/**
 * What a detector takes for an image in browsers: pixels in memory (`RgbImage`, `ImageData`), an encoded image as
 * bytes, Blob or File, a URL, or anything that a canvas draws: `ImageBitmap`, `HTMLImageElement`, a canvas, a video's
 * current frame. Alpha is dropped.
 */
export type ImageSource = RgbImage | Pixels | ImageData | Bytes | Blob | string | URL | Drawable

/**
 * An image as 8-bit RGB; the orientation in EXIF is applied, colour profiles are not (as in Node).
 * @throws CflowError IMAGE, NOT_FOUND, NETWORK
 */
export async function decode(image: ImageSource): Promise<RgbImage> {
  if (isBytes(image)) return decodeBlob(new Blob([asArray(image) as Uint8Array<ArrayBuffer>]))
  if (image instanceof Blob) return decodeBlob(image)
  if (typeof image === 'string' || image instanceof URL) {
    const url = absolute(image)
    const bytes = await fetchBytes(url, maxImageBytes, 'IMAGE')
    return decodeBlob(new Blob([bytes as Uint8Array<ArrayBuffer>]), url)
  }
  if (isPixels(image)) return toRgb(image)
  if (isDrawable(image)) return pixelsOf(image)
  throw notAnImage(image, 'pixels, a Blob, bytes, a URL, or something that a canvas can draw')
}

async function decodeBlob(blob: Blob, name?: string): Promise<RgbImage> {
  const subject = name ?? (blob as Partial<File>).name ?? '(image bytes)'
  checkBytes(blob.size, subject)
  const bitmap = await createImageBitmap(blob, {
    imageOrientation: 'from-image',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw new CflowError(
      'IMAGE',
      `${subject} is not an image that can be read: ${messageOf(cause)}`,
      {
        subject,
        hint: 'All browsers read PNG, JPEG, WebP and GIF.',
        cause,
      },
    )
  })
  try {
    return await pixelsOf(bitmap, subject)
  } finally {
    bitmap.close()
  }
}
