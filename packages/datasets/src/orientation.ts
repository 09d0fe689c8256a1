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
export function exifOrientation(exif: Uint8Array): number {
  const order = String.fromCharCode(...exif.subarray(0, 2))
  if (order !== 'II' && order !== 'MM') return 1
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength)
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
