import type { RgbImage } from '@cflow/base'
import { decodeImage } from '@cflow/datasets/node'
import { asArray, isBytes } from '../bytes.js'
import type { Bytes } from '../bytes.js'
import { fetchBytes } from '../fetch.js'
import { checkBytes, isPixels, maxImageBytes, notAnImage, toRgb } from '../pixels.js'
import type { Pixels } from '../pixels.js'
import { locate } from './read.js'

/**
 * What a detector takes for an image in Node: pixels in memory, a path, a `file:`, `http:` or `https:` URL, or an
 * encoded image (PNG, JPEG, WebP, TIFF, GIF, AVIF) as bytes or Blob.
 */
export type ImageSource = RgbImage | Pixels | string | URL | Bytes | Blob

/**
 * An image as 8-bit RGB; the orientation in EXIF is applied to encoded ones.
 * @throws CflowError IMAGE, NOT_FOUND, IO, NETWORK; RUNTIME where sharp is not installed
 */
export async function decode(image: ImageSource): Promise<RgbImage> {
  if (isBytes(image)) {
    checkBytes(image.byteLength)
    return decodeImage(asArray(image))
  }
  if (image instanceof Blob) {
    checkBytes(image.size)
    return decodeImage(new Uint8Array(await image.arrayBuffer()))
  }
  if (typeof image === 'string' || image instanceof URL) {
    const place = locate(image)
    if ('path' in place) return decodeImage(place.path)
    return decodeImage(await fetchBytes(place.remote, maxImageBytes, 'IMAGE'))
  }
  if (isPixels(image)) return toRgb(image)
  throw notAnImage(image, 'RGB pixels, a path, a URL, or an encoded image as bytes or Blob')
}
