import { CflowError } from '@cflow/base'
import { brandsOf, foreignFormat, jpegDamage } from '@cflow/datasets'
import { checkSize } from './sources.js'

const readable = 'Use PNG, JPEG, WebP, GIF, AVIF or BMP.'
const again = 'Copy or export the file again, or leave it out.'

const text = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to))

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength)

/**
 * Refuse an encoded image that a browser would decode in part, or that has too many pixels, before it is decoded.
 * @throws CflowError IMAGE
 */
export function checkEncoded(bytes: Uint8Array, subject: string): void {
  const refuse = (what: string, hint: string): never => {
    throw new CflowError('IMAGE', `${subject} ${what}`, { subject, hint })
  }
  if (bytes.length === 0) refuse('is empty', again)
  const format = formats.find(({ matches }) => matches(bytes))
  if (!format) return
  try {
    checkSize(...format.sizeOf(bytes), subject)
    const damage = format.damageOf(bytes)
    if (damage !== undefined) refuse(`is damaged or cut off: ${damage}`, again)
  } catch (error) {
    // reading beyond the end of the file
    if (error instanceof RangeError) refuse('is damaged or cut off: it ends early', again)
    throw error
  }
}

/** Why a browser could not decode a file, and what to do, from its first bytes. */
export function reasonOf(bytes: Uint8Array): { readonly what: string; readonly hint: string } {
  const format = foreign(bytes)
  if (format)
    return { what: `is ${format}, which this browser does not read`, hint: `${readable} Phones can be set to write JPEG, and export it.` } // prettier-ignore
  return formats.some(({ matches }) => matches(bytes))
    ? { what: 'is damaged: the browser cannot decode it', hint: again }
    : { what: 'is not an image that can be read', hint: readable }
}

interface Encoded {
  matches(bytes: Uint8Array): boolean
  /** May throw RangeError where the file ends early. */
  sizeOf(bytes: Uint8Array): readonly [width: number, height: number]
  damageOf(bytes: Uint8Array): string | undefined
}

const early = 'it ends early'

const formats: readonly Encoded[] = [
  {
    matches: (b) => text(b, 1, 4) === 'PNG',
    sizeOf: (b) => [viewOf(b).getUint32(16), viewOf(b).getUint32(20)],
    damageOf(b) {
      // chunk after chunk, to the one that ends the file
      for (let at = 8; at + 12 <= b.length; at += 12 + viewOf(b).getUint32(at))
        if (text(b, at + 4, at + 8) === 'IEND') return undefined
      return early
    },
  },
  {
    matches: ([a, b]) => a === 0xff && b === 0xd8,
    sizeOf: jpegSize,
    damageOf: (b) => jpegDamage(b) ?? (hasEnd(b) ? undefined : early),
  },
  {
    matches: (b) => text(b, 0, 4) === 'GIF8',
    sizeOf: (b) => [viewOf(b).getUint16(6, true), viewOf(b).getUint16(8, true)],
    damageOf: (b) => (b.lastIndexOf(0x3b) > 0 ? undefined : early),
  },
  {
    matches: (b) => text(b, 0, 4) === 'RIFF' && text(b, 8, 12) === 'WEBP',
    sizeOf(b) {
      const view = viewOf(b)
      const u24 = (at: number) => view.getUint16(at, true) + 65536 * view.getUint8(at + 2)
      const kind = text(b, 12, 16)
      if (kind === 'VP8X') return [u24(24) + 1, u24(27) + 1]
      if (kind !== 'VP8L')
        return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff]
      const packed = view.getUint32(21, true)
      return [(packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1]
    },
    damageOf: (b) => (viewOf(b).getUint32(4, true) + 8 <= b.length ? undefined : early),
  },
]

/** Of the first frame header. */
function jpegSize(bytes: Uint8Array): readonly [number, number] {
  const view = viewOf(bytes)
  for (let at = 2; ;) {
    while (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xff) at++
    const marker = view.getUint8(at + 1)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)]
    at += 2 + view.getUint16(at + 2)
  }
}

function hasEnd(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 2; at > 1; at--)
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true
  return false
}

/** Formats of cameras and programs that browsers rarely read. */
function foreign(bytes: Uint8Array): string | undefined {
  const head = text(bytes, 0, 64)
  const brands = brandsOf(head)
  // browsers read AVIF, whatever else it says that it is
  const isAvif = brands !== undefined && /avif|avis/.test(brands)
  const camera = isAvif ? undefined : foreignFormat(head)
  if (camera !== undefined) return camera
  if (/^(II\*\0|MM\0\*)/.test(head)) return 'TIFF'
  if (/^\0\0\0\x0cjP {2}/.test(head)) return 'JPEG 2000'
  if (/^%PDF/.test(head)) return 'PDF'
  if (brands === undefined || isAvif) return undefined
  return brands.includes('mif1') ? 'HEIC' : 'a video'
}
