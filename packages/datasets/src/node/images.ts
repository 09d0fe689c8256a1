import { CflowError, type Mask, messageOf, type RgbImage } from '@cflow/base'
import { fileSize, writeFileAtomic } from '@cflow/base/node'
import { readFile, stat } from 'node:fs/promises'
import type { Metadata, Sharp } from 'sharp'
import { bmp } from './decoding/bmp.js'
import { jp2 } from './decoding/jp2.js'
import { foreignFormat } from '../foreign.js'
import { jpegDamage } from '../jpeg-damage.js'
import { pnm } from './decoding/pnm.js'
import { toBytes, Unsupported, type Format, type Samples } from './decoding/samples.js'
import { fault, fileError, readPart } from './files.js'

/** No image has more pixels than this; larger ones are refused before they are decoded. */
export const maxPixels = 100_000_000

/** No image file is larger than this; reading stops there. */
const maxFileBytes = 512 * 1024 * 1024

const formats: readonly string[] = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif']
/** Formats that sharp has not. */
const ownFormats: readonly Format[] = [bmp, pnm, jp2]
export const formatNames = 'PNG, JPEG, WebP, TIFF, GIF, AVIF, BMP, PGM, PPM and JPEG 2000'

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
 * Decode an image file, or its bytes, to 8-bit RGB: PNG, JPEG, WebP, TIFF and GIF (first
 * page or frame), AVIF, BMP, PGM, PPM or JPEG 2000.
 *
 * The orientation in EXIF is applied. Grey becomes three equal channels; palettes are looked up; 16 bits are scaled to
 * 8 (the high byte); alpha is dropped, not blended (as Pillow's `convert('RGB')` does); colour profiles are ignored,
 * so that ordinary images keep their numbers, which goes for CMYK too: paper
 * minus inks, as browsers take it. Damage is looked for in the middle of a JPEG too.
 * @param most pixels of an image that is still decoded
 * @throws CflowError NOT_FOUND for a missing file; IMAGE for one that is no image, damaged, truncated, of another
 *   format, with channels that are no colours, or of over 100 million pixels; IO where it cannot be read
 */
export async function decodeImage(
  pathOrBytes: string | Uint8Array,
  most = maxPixels,
): Promise<RgbImage> {
  const file = await read(pathOrBytes)
  const own = await ownDecoded(file, most)
  if (own) return rgbOf(own.width, own.height, own.channels, toBytes(own))
  const { data, info } = await decoded(await open(file, true, most), 'uchar')
  return rgbOf(info.width, info.height, info.channels, data)
}

function rgbOf(width: number, height: number, channels: number, data: Uint8Array): RgbImage {
  const bytes = new Uint8Array(width * height * 3)
  if (channels === 3) bytes.set(data)
  else for (let i = 0; i < width * height; i++) bytes.fill(data[i * channels]!, i * 3, i * 3 + 3)
  return { width, height, data: bytes }
}

/**
 * Width and height of an image file in pixels, as `decodeImage` would give it; only the header is read.
 * @throws CflowError as `decodeImage`
 */
export async function imageSize(pathOrBytes: string | Uint8Array) {
  const { width, height } = (await headerOf(pathOrBytes)).autoOrient
  return { width, height }
}

/** Enough of a file for its header, unless that lies at the end as in some TIFF files. */
const headBytes = 128 * 1024

interface Size {
  readonly width: number
  readonly height: number
}

/** The size of an image as it is stored and as it is shown, and the orientation in EXIF that makes the one the other. */
export interface Header extends Size {
  readonly autoOrient: Size
  /** 1 to 8. */
  readonly orientation?: number | undefined
}

/**
 * What the header of an image file says.
 * @throws CflowError as `decodeImage`
 */
export async function headerOf(pathOrBytes: string | Uint8Array): Promise<Header> {
  if (
    typeof pathOrBytes === 'string' &&
    (await stat(pathOrBytes).catch(() => undefined))?.isFile()
  ) {
    const head = await readPart(pathOrBytes, 0, headBytes)
    if (head.length === headBytes)
      try {
        return await headerIn({ subject: pathOrBytes, bytes: head })
      } catch {
        // what is wrong with the file is told of all of it
      }
  }
  return headerIn(await read(pathOrBytes))
}

async function headerIn(file: File): Promise<Header> {
  const own = ownSize(file)
  if (!own) return (await open(file)).metadata
  const { width, height } = own
  return { width, height, autoOrient: { width, height } }
}

/** Pixels as they lie in a file: not turned by EXIF, and with their alpha. */
export interface StoredPixels extends Omit<Samples, 'channels'> {
  readonly subject: string
  /** Two and four with alpha. */
  readonly channels: number
  /** Orientation in EXIF, 1 to 8. */
  readonly orientation: number
  /** The name of the format where it loses information. */
  readonly lossy: string | undefined
}

/**
 * Decode an image file, or its bytes, without making an ordinary picture of it.
 * @throws CflowError as `decodeImage`
 */
export async function decodeStored(pathOrBytes: string | Uint8Array): Promise<StoredPixels> {
  const file = await read(pathOrBytes)
  const { subject } = file
  const own = await ownDecoded(file)
  if (own) return { ...own, subject, orientation: 1 }
  const source = await open(file, false)
  const { orientation = 1, depth } = source.metadata
  const deep = depth === 'ushort'
  const { data: bytes, info } = await decoded(source, deep ? 'ushort' : 'uchar', true)
  const { width, height, channels } = info
  const data = deep ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes
  const max = deep ? 65535 : 255
  return { subject, width, height, channels, data, max, orientation, lossy: lossOf(source) }
}

function lossOf({ metadata, bytes }: Source): string | undefined {
  if (metadata.format === 'jpeg') return 'JPEG'
  if (metadata.format === 'heif') return 'AVIF'
  if (metadata.format !== 'webp') return undefined
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096))
  return head.includes('VP8L') ? undefined : 'WebP'
}

interface File {
  readonly subject: string
  readonly bytes: Uint8Array
}

async function read(pathOrBytes: string | Uint8Array): Promise<File> {
  const subject = typeof pathOrBytes === 'string' ? pathOrBytes : '(image bytes)'
  const bytes = typeof pathOrBytes === 'string' ? await readBytes(pathOrBytes) : pathOrBytes
  if (bytes.length === 0) throw fault('IMAGE', subject, 'is empty')
  return { subject, bytes }
}

/** The size of an image whose format sharp has not; undefined for others. */
function ownSize({ subject, bytes }: File, most = maxPixels) {
  const format = ownFormats.find((f) => f.matches(bytes))
  if (!format) return undefined
  try {
    const { width, height } = format.sizeOf(bytes)
    if (width * height > most) throw tooLarge(subject, width, height, most)
    return { format, width, height }
  } catch (cause) {
    throw ownError(format, subject, cause)
  }
}

/** The pixels of an image whose format sharp has not; undefined for others. */
async function ownDecoded(file: File, most = maxPixels): Promise<Samples | undefined> {
  const size = ownSize(file, most)
  if (!size) return undefined
  try {
    return await size.format.decode(file.bytes)
  } catch (cause) {
    throw ownError(size.format, file.subject, cause)
  }
}

function ownError(format: Format, subject: string, cause: unknown): unknown {
  if (cause instanceof CflowError) return cause
  if (cause instanceof Unsupported) {
    const hint = `Convert it to one of ${formatNames}, 8 or 16 bits.`
    return fault('IMAGE', subject, `${firstLine(cause)}, which is not supported`, hint, cause)
  }
  // reading beyond the end of the file
  const what = cause instanceof RangeError ? 'it ends early' : firstLine(cause)
  return damaged(subject, `as ${format.name}: ${what}`, cause)
}

const damaged = (subject: string, what: string, cause?: unknown): CflowError =>
  fault('IMAGE', subject, `is damaged or cut off: ${what}`, 'Copy or export the file again, or leave it out.', cause) // prettier-ignore

type Source = Awaited<ReturnType<typeof open>>

/** @param autoOrient whether pixels come out turned as EXIF says */
async function open({ subject, bytes }: File, autoOrient = true, most = maxPixels) {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64))
  const other = foreignFormat(head.toString('latin1'))
  if (other !== undefined) throw unsupported(subject, other)
  const sharp = await loadSharp()
  // of GIF warnings are damage; of JPEG and TIFF they are often only untidy
  const failOn = bytes[0] === 0x47 ? 'warning' : 'error'
  const options = { failOn, limitInputPixels: false, ignoreIcc: true } as const
  const metadata = await sharp(bytes, options)
    .metadata()
    .catch((cause: unknown) => {
      if (/channel limit/.test(firstLine(cause))) throw channels(subject, 'more than five')
      const hint = `Readable formats: ${formatNames}.`
      throw fault('IMAGE', subject, 'is not an image that can be read', hint, cause)
    })
  check(subject, metadata, most)
  const image = sharp(bytes, { ...options, limitInputPixels: maxPixels, autoOrient })
  return { subject, bytes, image, metadata }
}

const isJpeg = ([a, b]: Uint8Array): boolean => a === 0xff && b === 0xd8

/** @throws CflowError NOT_FOUND, IMAGE (no ordinary file, or over 512 MiB) or IO */
async function readBytes(path: string): Promise<Uint8Array> {
  if ((await fileSize(path, { code: 'IMAGE', what: 'an image' })) > maxFileBytes)
    throw fault('IMAGE', path, 'is larger than 512 MiB', 'Reduce the image first.')
  return readFile(path).catch((cause: unknown) => {
    throw fileError(path, cause)
  })
}

/** Channels without alpha, by colour space. */
const colourChannels: Readonly<Record<string, number>> = { 'b-w': 1, grey16: 1, cmyk: 4 }

function check(subject: string, metadata: Metadata, most: number): void {
  const { format, width, height, depth, space, channels: count } = metadata
  if (!formats.includes(format)) throw unsupported(subject, format.toUpperCase())
  if (width * height > most) throw tooLarge(subject, width, height, most)
  if (depth !== 'uchar' && depth !== 'ushort')
    throw fault(
      'IMAGE',
      subject,
      `has ${depth} pixels; only 8 and 16 bits are read`,
      'Floating-point and signed images have no fixed range: scale them to 8 or 16 bits first.',
    )
  // one more may be alpha; more are measurements that are no colours
  if (count > (colourChannels[space ?? ''] ?? 3) + 1) throw channels(subject, String(count))
}

const channels = (subject: string, count: string): CflowError =>
  fault('IMAGE', subject, `has ${count} channels, not those of a photograph`, 'Choose one channel (grey) or three (red, green, blue), and write those to a file.') // prettier-ignore

const tooLarge = (subject: string, width: number, height: number, most: number): CflowError =>
  fault(
    'IMAGE',
    subject,
    `has ${width}×${height} pixels, more than the ${most / 1e6} million allowed`,
    'Reduce it or cut it into tiles first.',
  )

function unsupported(subject: string, format: string): CflowError {
  const hint = `Convert it to one of ${formatNames}.`
  return fault('IMAGE', subject, `is ${format}, which is not supported`, hint)
}

/** All pixels, without alpha unless it is asked for. */
async function decoded(
  { subject, bytes, image, metadata }: Source,
  depth: 'uchar' | 'ushort',
  alpha = false,
) {
  const damage = isJpeg(bytes) ? jpegDamage(bytes) : undefined
  if (damage !== undefined) throw damaged(subject, damage)
  try {
    if (metadata.space === 'cmyk') return await rgbOfInks(image, depth, alpha)
    const pixels = image.toColourspace(depth === 'ushort' ? 'rgb16' : 'srgb')
    return await (alpha ? pixels : pixels.removeAlpha())
      .raw({ depth })
      .toBuffer({ resolveWithObject: true })
  } catch (cause) {
    throw damaged(subject, firstLine(cause), cause)
  }
}

/**
 * Cyan, magenta, yellow and black as red, green and blue: what paper keeps of its white under each ink and under black,
 * rounded down as Chromium does, so that a page sees the same numbers. The profiles of presses are left out.
 */
async function rgbOfInks(image: Sharp, depth: 'uchar' | 'ushort', withAlpha: boolean) {
  const { data: inks, info } = await image
    // else libvips takes them through its profile and back
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels: from } = info
  const channels = withAlpha && from > 4 ? 4 : 3
  const bytes = Buffer.alloc(width * height * channels)
  for (let i = 0; i < width * height; i++) {
    const white = 255 - inks[i * from + 3]!
    for (let c = 0; c < 3; c++)
      bytes[i * channels + c] = Math.floor(((255 - inks[i * from + c]!) * white) / 255)
    if (channels === 4) bytes[i * channels + 3] = inks[i * from + 4]!
  }
  const data = depth === 'uchar' ? bytes : Buffer.from(Uint16Array.from(bytes, (v) => v * 257).buffer) // prettier-ignore
  return { data, info: { width, height, channels } }
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

/** An image made smaller (or larger) for looking at, without keeping its shape. */
export async function shrunk(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  const sharp = await loadSharp()
  const raw = { width: image.width, height: image.height, channels: 3 } as const
  const data = await sharp(image.data, { raw, limitInputPixels: false })
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer()
  return { width, height, data: new Uint8Array(data) }
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
