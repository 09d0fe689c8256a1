import { CflowError, messageOf } from '@cflow/base'
import { turned, withoutOrientation } from '@cflow/datasets'
import { checkEncoded, reasonOf } from './encoded.js'
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
    const bytes = await bytesOf(encoded, subject)
    checkEncoded(bytes, subject)
    // browsers differ in whether they turn PNG and WebP
    const { orientation, parts } = withoutOrientation(bytes) ?? {}
    const upright = parts ? new Blob(parts as Uint8Array<ArrayBuffer>[]) : blob
    const bitmap = await createImageBitmap(upright, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    }).catch((cause: unknown) => {
      const { what, hint } = reasonOf(bytes)
      throw new CflowError('IMAGE', `${subject} ${what}`, { subject, hint, cause })
    })
    try {
      return turned(await pixelsOf(bitmap, subject), orientation ?? 1)
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

async function bytesOf(encoded: string | Uint8Array | Blob, subject: string): Promise<Uint8Array> {
  if (!(encoded instanceof Blob)) return encoded as Uint8Array
  try {
    return new Uint8Array(await encoded.arrayBuffer())
  } catch (cause) {
    // moved, changed or taken away (a card, a network folder) since it was chosen
    throw new CflowError('IMAGE', `${subject} can no longer be read: ${messageOf(cause)}`, { subject, hint: 'Choose the file again.', cause }) // prettier-ignore
  }
}
