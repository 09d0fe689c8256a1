import { CflowError, type Mask, messageOf, type RgbImage } from '@cflow/base'
import { fileSize, writeFileAtomic } from '@cflow/base/node'
import { readFile } from 'node:fs/promises'
import type { Metadata } from 'sharp'
import { fault, fileError } from './files.js'

/** No image has more pixels than this; larger ones are refused before they are decoded. */
export const maxPixels = 100_000_000

/** No image file is larger than this; reading stops there. */
const maxFileBytes = 512 * 1024 * 1024

const formats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif']
const formatNames = 'PNG, JPEG, WebP, TIFF, GIF and AVIF'

/**
 * The sharp library, loaded on first use: it brings native code, and whoever never decodes should not need it.
 * @throws CflowError RUNTIME where it is not installed or has no build for this machine
 */
async function loadSharp() {
  const module = await import('sharp').catch((cause: unknown) => {
    throw new CflowError('RUNTIME', 'the image library sharp cannot be loaded', {
      subject: 'sharp',
      hint: 'Install it for this platform: npm install --include=optional sharp',
      cause,
    })
  })
  return module.default
}

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
  const { data, info } = await decoded(await open(pathOrBytes), 'uchar')
  const { width, height, channels } = info
  const bytes = new Uint8Array(width * height * 3)
  if (channels === 3) bytes.set(data)
  else for (let i = 0; i < width * height; i++) bytes.fill(data[i * channels]!, i * 3, i * 3 + 3)
  return { width, height, data: bytes }
}

/**
 * Decode a ground-truth mask file, or its bytes: a pixel with any channel other than zero is anomalous (1). Alpha does
 * not count. Masks are stored without loss (PNG, TIFF): JPEG leaves faint ripples, and all of them would count.
 * @throws CflowError as `decodeImage`
 */
export async function decodeMask(pathOrBytes: string | Uint8Array): Promise<Mask> {
  const source = await open(pathOrBytes)
  const { data, info } = await decoded(source, source.metadata.depth as 'uchar' | 'ushort')
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
export async function imageSize(pathOrBytes: string | Uint8Array) {
  const { width, height } = (await open(pathOrBytes)).metadata.autoOrient
  return { width, height }
}

type Source = Awaited<ReturnType<typeof open>>

async function open(pathOrBytes: string | Uint8Array) {
  const subject = typeof pathOrBytes === 'string' ? pathOrBytes : '(image bytes)'
  const bytes = typeof pathOrBytes === 'string' ? await readBytes(pathOrBytes) : pathOrBytes
  if (bytes.length === 0) throw fault('IMAGE', subject, 'is empty')
  const sharp = await loadSharp()
  const options = { failOn: 'error', limitInputPixels: false, ignoreIcc: true } as const
  const metadata = await sharp(bytes, options)
    .metadata()
    .catch((cause: unknown) => {
      if (bytes[0] === 0x42 && bytes[1] === 0x4d) throw unsupported(subject, 'BMP', cause)
      const hint = `Readable formats: ${formatNames}.`
      throw fault('IMAGE', subject, 'is not an image that can be read', hint, cause)
    })
  check(subject, metadata)
  const image = sharp(bytes, { ...options, limitInputPixels: maxPixels, autoOrient: true })
  return { subject, image, metadata }
}

/** @throws CflowError NOT_FOUND, IMAGE (no ordinary file, or over 512 MiB) or IO */
async function readBytes(path: string): Promise<Uint8Array> {
  if ((await fileSize(path, { code: 'IMAGE', what: 'an image' })) > maxFileBytes)
    throw fault('IMAGE', path, 'is larger than 512 MiB', 'Reduce the image first.')
  return readFile(path).catch((cause: unknown) => {
    throw fileError(path, cause)
  })
}

function check(subject: string, { format, width, height, depth }: Metadata): void {
  if (!formats.includes(format)) throw unsupported(subject, format.toUpperCase())
  if (width * height > maxPixels)
    throw fault(
      'IMAGE',
      subject,
      `has ${width}×${height} pixels, more than the ${maxPixels / 1e6} million allowed`,
      'Reduce it or cut it into tiles first.',
    )
  if (depth !== 'uchar' && depth !== 'ushort')
    throw fault(
      'IMAGE',
      subject,
      `has ${depth} pixels; only 8 and 16 bits are read`,
      'Floating-point and signed images have no fixed range: scale them to 8 or 16 bits first.',
    )
}

function unsupported(subject: string, format: string, cause?: unknown): CflowError {
  const hint = `Convert it to one of ${formatNames}.`
  return fault('IMAGE', subject, `is ${format}, which is not supported`, hint, cause)
}

/** All pixels without alpha. */
async function decoded({ subject, image }: Source, depth: 'uchar' | 'ushort') {
  try {
    return await image
      .toColourspace(depth === 'ushort' ? 'rgb16' : 'srgb')
      .removeAlpha()
      .raw({ depth })
      .toBuffer({ resolveWithObject: true })
  } catch (cause) {
    const hint = 'Copy or export the file again, or leave it out.'
    throw fault('IMAGE', subject, `is damaged or cut off: ${firstLine(cause)}`, hint, cause)
  }
}

const firstLine = (cause: unknown): string => messageOf(cause).split('\n')[0]!.trim()

/**
 * The image as the bytes of an 8-bit RGB PNG, without loss.
 * @throws CflowError SHAPE when `data` is not `width·height·3` bytes
 */
export function encodePng(image: RgbImage): Promise<Uint8Array> {
  return encode(image, 3)
}

/**
 * The mask as the bytes of an 8-bit grey PNG: 0 normal, 255 anomalous (so that it can be looked at).
 * @throws CflowError SHAPE when `data` is not `width·height` bytes
 */
export function encodeMaskPng(mask: Mask): Promise<Uint8Array> {
  return encode({ ...mask, data: mask.data.map((v) => (v === 0 ? 0 : 255)) }, 1)
}

/**
 * Write an image as PNG, making folders as needed. Written under a temporary name and renamed: never half a file.
 * @throws CflowError IO
 */
export async function writePng(path: string, image: RgbImage): Promise<void> {
  await writeFileAtomic(path, await encodePng(image))
}

/** Write a mask as PNG; as `writePng`. */
export async function writeMaskPng(path: string, mask: Mask): Promise<void> {
  await writeFileAtomic(path, await encodeMaskPng(mask))
}

async function encode({ width, height, data }: RgbImage, channels: 1 | 3): Promise<Uint8Array> {
  if (data.length !== width * height * channels)
    throw new CflowError(
      'SHAPE',
      `an image of ${width}×${height} needs ${width * height * channels} bytes, got ${data.length}`,
    )
  const sharp = await loadSharp()
  try {
    const image = sharp(data, { raw: { width, height, channels } })
    return await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toBuffer()
  } catch (cause) {
    throw new CflowError('IMAGE', `cannot encode an image of ${width}×${height} as PNG`, {
      hint: firstLine(cause),
      cause,
    })
  }
}
