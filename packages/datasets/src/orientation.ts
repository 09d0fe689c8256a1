import type { RgbImage } from '@cflow/base'

/** The picture as it is to be seen, by its orientation in EXIF. @param orientation 1 to 8 */
export function turned(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image
  const { width: w, height: h, data: from } = image
  const [width, height] = orientation >= 5 ? [h, w] : [w, h]
  const data = new Uint8Array(from.length)
  const isMirroredX = [2, 3, 7, 8].includes(orientation)
  const isMirroredY = [3, 4, 6, 7].includes(orientation)
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const [a, b] = orientation >= 5 ? [y, x] : [x, y]
      const at = 3 * ((isMirroredY ? h - 1 - b : b) * w + (isMirroredX ? w - 1 - a : a))
      data[to] = from[at]!
      data[to + 1] = from[at + 1]!
      data[to + 2] = from[at + 2]!
    }
  return { width, height, data }
}

/** The orientation in EXIF's own bytes, 1 to 8; 1 where it has none. */
function exifOrientation(exif: Uint8Array): number {
  const order = text(exif, 0, 2)
  if (order !== 'II' && order !== 'MM') return 1
  const view = viewOf(exif)
  const small = order === 'II'
  try {
    const first = view.getUint32(4, small)
    const count = view.getUint16(first, small)
    for (let i = 0; i < count; i++) {
      const entry = first + 2 + 12 * i
      if (view.getUint16(entry, small) !== 0x112) continue
      const value = view.getUint16(entry + 8, small)
      return value >= 1 && value <= 8 ? value : 1
    }
  } catch (error) {
    // cut off: what it does not say is not applied
    if (!(error instanceof RangeError)) throw error
  }
  return 1
}

const text = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to))

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength)

/**
 * A PNG or WebP that is to be turned, without what says so, and how it is to be turned; undefined for all others.
 * @returns the file in parts
 */
export function withoutOrientation(
  bytes: Uint8Array,
): { readonly orientation: number; readonly parts: readonly Uint8Array[] } | undefined {
  const exif = text(bytes, 1, 4) === 'PNG' ? pngExif(bytes) : webpExif(bytes)
  if (!exif) return undefined
  const content = bytes.subarray(exif.content, exif.content + exif.length)
  // some writers put the head of JPEG's segment before it
  const isLed = text(content, 0, 6) === 'Exif\0\0'
  const orientation = exifOrientation(isLed ? content.subarray(6) : content)
  if (orientation === 1) return undefined
  const parts = [bytes.subarray(0, exif.from), ...exif.instead, bytes.subarray(exif.to)]
  return { orientation, parts }
}

interface Exif {
  /** Of the whole chunk. */
  readonly from: number
  readonly to: number
  readonly content: number
  readonly length: number
  readonly instead: readonly Uint8Array[]
}

function pngExif(bytes: Uint8Array): Exif | undefined {
  const view = viewOf(bytes)
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at)
    const to = at + 12 + length
    if (to > bytes.length) return undefined
    if (text(bytes, at + 4, at + 8) === 'eXIf')
      return { from: at, to, content: at + 8, length, instead: [] }
    at = to
  }
  return undefined
}

function webpExif(bytes: Uint8Array): Exif | undefined {
  if (text(bytes, 0, 4) !== 'RIFF' || text(bytes, 8, 12) !== 'WEBP') return undefined
  const view = viewOf(bytes)
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true)
    const to = Math.min(at + 8 + length + (length % 2), bytes.length)
    if (text(bytes, at, at + 4) === 'EXIF')
      // zeros in its place keep the lengths that the file tells of itself
      return { from: at, to, content: at + 8, length, instead: [bytes.subarray(at, at + 8), new Uint8Array(to - at - 8)] } // prettier-ignore
    at = to
  }
  return undefined
}
