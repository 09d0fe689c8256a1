import { CflowError, messageOf } from '@cflow/base'
import type { Mask, RgbImage } from '@cflow/base'
import type { Metadata, Sharp } from 'sharp'
import { readBytes } from './files.js'
import { loadSharp } from './load-sharp.js'

/** No image has more pixels than this; larger ones are refused before they are decoded. */
export const maxPixels = 100_000_000

const formats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif']
const formatNames = 'PNG, JPEG, WebP, TIFF, GIF and AVIF'

/**
 * Decode an image file, or its bytes, to 8-bit RGB: PNG, JPEG, WebP, TIFF, GIF (first frame) or AVIF.
 *
 * The orientation in EXIF is applied. Grey becomes three equal channels; palettes are looked up; 16 bits are scaled to
 * 8 (the high byte); alpha is dropped, not blended (as Pillow's `convert('RGB')` does); colour profiles are ignored,
 * so that ordinary images keep their numbers; CMYK is converted.
 * @throws CflowError NOT_FOUND for a missing file; IMAGE for one that is no image, damaged, truncated, of another
 *   format, or of over 100 million pixels; IO where it cannot be read
 */
export async function decodeImage(pathOrBytes: string | Uint8Array): Promise<RgbImage> {
  const source = await open(pathOrBytes)
  const pixels = source.image.toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' })
  const { data, info } = await decoded(source.subject, () =>
    pixels.toBuffer({ resolveWithObject: true }),
  )
  const { width, height } = info
  const bytes = new Uint8Array(width * height * 3)
  if (info.channels === 3) bytes.set(data)
  else
    for (let i = 0; i < width * height; i++) bytes.fill(data[i * info.channels]!, i * 3, i * 3 + 3)
  return { width, height, data: bytes }
}

/**
 * Decode a ground-truth mask file, or its bytes: a pixel with any channel other than zero is anomalous (1). Alpha does
 * not count. Masks are stored without loss (PNG, TIFF): JPEG leaves faint ripples, and all of them would count.
 * @throws CflowError as `decodeImage`
 */
export async function decodeMask(pathOrBytes: string | Uint8Array): Promise<Mask> {
  const source = await open(pathOrBytes)
  const deep = source.metadata.depth === 'ushort'
  const space = deep ? 'rgb16' : 'srgb'
  const pixels = source.image
    .toColourspace(space)
    .removeAlpha()
    .raw({ depth: deep ? 'ushort' : 'uchar' })
  const { data, info } = await decoded(source.subject, () =>
    pixels.toBuffer({ resolveWithObject: true }),
  )
  const { width, height } = info
  const mask = new Uint8Array(width * height)
  const stride = data.length / mask.length
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) mask[Math.floor(i / stride)] = 1
  return { width, height, data: mask }
}

/**
 * Width and height of an image file in pixels, as `decodeImage` would give it; only the header is read.
 * @throws CflowError as `decodeImage`
 */
export async function imageSize(
  pathOrBytes: string | Uint8Array,
): Promise<{ readonly width: number; readonly height: number }> {
  const { metadata } = await open(pathOrBytes)
  return metadata.autoOrient
}

interface Source {
  readonly subject: string
  readonly image: Sharp
  readonly metadata: Metadata
}

async function open(pathOrBytes: string | Uint8Array): Promise<Source> {
  const subject = typeof pathOrBytes === 'string' ? pathOrBytes : '(image bytes)'
  const bytes = typeof pathOrBytes === 'string' ? await readBytes(pathOrBytes) : pathOrBytes
  if (bytes.length === 0) throw new CflowError('IMAGE', `${subject} is empty`, { subject })
  const sharp = await loadSharp()
  const options = { failOn: 'error', limitInputPixels: false, ignoreIcc: true } as const
  const metadata = await sharp(bytes, options)
    .metadata()
    .catch((cause: unknown) => {
      throw notAnImage(subject, bytes, cause)
    })
  check(subject, metadata)
  const image = sharp(bytes, { ...options, limitInputPixels: maxPixels, autoOrient: true })
  return { subject, image, metadata }
}

function check(subject: string, { format, width, height, depth }: Metadata): void {
  if (!formats.includes(format))
    throw new CflowError('IMAGE', `${subject} is ${format.toUpperCase()}, which is not supported`, {
      subject,
      hint: `Convert it to one of ${formatNames}.`,
    })
  if (width * height > maxPixels)
    throw new CflowError(
      'IMAGE',
      `${subject} has ${width}×${height} pixels, more than the ${maxPixels / 1e6} million allowed`,
      { subject, hint: 'Reduce it or cut it into tiles first.' },
    )
  if (depth !== 'uchar' && depth !== 'ushort')
    throw new CflowError('IMAGE', `${subject} has ${depth} pixels; only 8 and 16 bits are read`, {
      subject,
      hint: 'Floating-point and signed images have no fixed range: scale them to 8 or 16 bits first.',
    })
}

function notAnImage(subject: string, bytes: Uint8Array, cause: unknown): CflowError {
  if (bytes[0] === 0x42 && bytes[1] === 0x4d)
    return new CflowError('IMAGE', `${subject} is BMP, which is not supported`, {
      subject,
      hint: `Convert it to one of ${formatNames}.`,
      cause,
    })
  return new CflowError('IMAGE', `${subject} is not an image that can be read`, {
    subject,
    hint: `Readable formats: ${formatNames}.`,
    cause,
  })
}

async function decoded<T>(subject: string, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode()
  } catch (cause) {
    throw new CflowError('IMAGE', `${subject} is damaged or cut off: ${firstLine(cause)}`, {
      subject,
      hint: 'Copy or export the file again, or leave it out.',
      cause,
    })
  }
}

function firstLine(cause: unknown): string {
  return messageOf(cause).split('\n')[0]!.trim()
}
