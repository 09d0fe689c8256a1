import { CflowError, messageOf } from '@cflow/base'
import { isDrawable, pixelsOf } from './draw.js'
import type { Place } from './sources.js'

/** Browsers: strings are addresses, and the browser decodes and draws. */
export const place: Place = {
  /** Made absolute by the page's or worker's address. */
  locate(where) {
    const base = (globalThis as { document?: Document; location?: Location }).document?.baseURI
    return { url: new URL(where, base ?? globalThis.location?.href).href }
  },
  async decode(encoded, subject) {
    const blob = encoded instanceof Blob ? encoded : new Blob([encoded as Uint8Array<ArrayBuffer>])
    const bitmap = await createImageBitmap(blob, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    }).catch((cause: unknown) => {
      throw new CflowError('IMAGE', `${subject} is not an image that can be read: ${messageOf(cause)}`, { subject, hint: 'All browsers read PNG, JPEG, WebP and GIF.', cause }) // prettier-ignore
    })
    try {
      return await pixelsOf(bitmap, subject)
    } finally {
      bitmap.close()
    }
  },
  draw: (image) => (isDrawable(image) ? pixelsOf(image) : undefined),
  accepts: {
    detector: 'a URL, a Uint8Array, an ArrayBuffer, or a Blob or File',
    image: 'pixels, a Blob, bytes, a URL, or something that a canvas can draw',
  },
}
