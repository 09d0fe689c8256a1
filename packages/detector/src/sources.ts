import { CflowError, type RgbImage, type AnyBlob, type AnyUrl } from '@cflow/base'
import { fetchBytes } from './fetch.js'

/** No image has more pixels than this; larger ones are refused. */
const maxPixels = 100_000_000
/** No encoded image is larger than this. */
const maxImageBytes = 512 * 1024 * 1024
/** No detector file is larger than this (the limit of ONNX files). */
export const maxModelBytes = 2 ** 31 - 1

/** Bytes held in memory. */
export type Bytes = Uint8Array | ArrayBuffer

/**
 * Where a detector file may be: a string or URL (in Node a path, or a `file:`, `http:` or `https:` URL; in browsers a URL
 * relative to the page), its bytes, or a Blob or File.
 */
export type DetectorSource = string | AnyUrl | Bytes | AnyBlob

/** Pixels in memory: three channels (`RgbImage`) or four (`ImageData`; alpha is dropped), interleaved, 8 bits. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** What differs between Node and browsers. */
export interface Place {
  /** What a string or URL means: an address on the network, or (in Node) a path, and how a detector file there is read. */
  locate(
    where: string | AnyUrl,
  ): { readonly url: string } | { readonly path: string; read(): Promise<Uint8Array> }
  /** An encoded image, or one at a path, as pixels. @param subject what to call it in errors */
  decode(encoded: string | Uint8Array | AnyBlob, subject: string): Promise<RgbImage>
  /** The pixels of what else is taken for an image; undefined for what is not. */
  draw?(image: unknown): Promise<RgbImage> | undefined
  /** What is taken, in words. */
  readonly accepts: { readonly detector: string; readonly image: string }
}

/** A detector file as bytes, and what to call it in errors. */
export interface ModelFile {
  readonly bytes: Uint8Array
  readonly subject: string
}

/** Bytes as an array of them, without a copy; undefined for anything else. */
const bytesOf = (value: unknown): Uint8Array | undefined =>
  value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : value instanceof Uint8Array
      ? value
      : undefined

/** What kind of object a value is, by its name, so that those of another window (an iframe's) count too. */
export const kindOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

/**
 * The bytes of a detector file.
 * @throws CflowError NOT_FOUND, MODEL (a folder, too large), IO, NETWORK, or USAGE for another kind of value
 */
export async function readModel(place: Place, source: DetectorSource): Promise<ModelFile> {
  const bytes = bytesOf(source)
  if (bytes) return { bytes, subject: '(detector bytes)' }
  if (source instanceof Blob) {
    const subject = (source as Partial<File>).name ?? '(detector blob)'
    return { bytes: new Uint8Array(await source.arrayBuffer()), subject }
  }
  if (typeof source !== 'string' && !(source instanceof URL))
    throw new CflowError('USAGE', `a value of type ${kindOf(source)} is no detector file`, {
      subject: 'source',
      hint: `give ${place.accepts.detector}`,
    })
  const at = place.locate(source)
  return 'path' in at
    ? { bytes: await at.read(), subject: at.path }
    : { bytes: await fetchBytes(at.url, maxModelBytes, 'MODEL'), subject: at.url }
}

/**
 * An image as 8-bit RGB; the orientation in EXIF is applied to encoded ones, colour profiles are not.
 * @throws CflowError IMAGE, NOT_FOUND, IO, NETWORK; RUNTIME where what decodes is not installed
 */
export async function decode(place: Place, image: unknown): Promise<RgbImage> {
  if (typeof image === 'string' || image instanceof URL) {
    const at = place.locate(image)
    if ('path' in at) return place.decode(at.path, at.path)
    return place.decode(await fetchBytes(at.url, maxImageBytes, 'IMAGE'), at.url)
  }
  const encoded = image instanceof Blob ? image : bytesOf(image)
  if (encoded) {
    const subject = (encoded as Partial<File>).name ?? '(image bytes)'
    const size = encoded instanceof Blob ? encoded.size : encoded.length
    if (size <= maxImageBytes) return place.decode(encoded, subject)
    const hint = 'Reduce the image first.'
    throw new CflowError('IMAGE', `${subject} is larger than 512 MiB`, { subject, hint })
  }
  const pixels = isPixels(image) ? toRgb(image) : place.draw?.(image)
  if (pixels) return pixels
  throw new CflowError('IMAGE', `a value of type ${kindOf(image)} is no image`, {
    subject: 'image',
    hint: `give ${place.accepts.image}`,
  })
}

/** True for anything that has the form of `Pixels`, whether its sizes fit or not. */
function isPixels(image: unknown): image is Pixels {
  const { width, height, data } = (image ?? {}) as Partial<Pixels>
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray
  return bytes && typeof width === 'number' && typeof height === 'number'
}

/**
 * Refuse a width and height out of range.
 * @throws CflowError IMAGE when one is not a positive integer, or there are over 100 million pixels
 */
export function checkSize(width: number, height: number, subject = 'image'): void {
  const positive = [width, height].every((n) => Number.isInteger(n) && n > 0)
  if (positive && width * height <= maxPixels) return
  throw new CflowError(
    'IMAGE',
    positive
      ? `${subject} has ${width}×${height} pixels, more than the ${maxPixels / 1e6} million allowed`
      : `${subject} has no pixels: its size is ${width}×${height}`,
    { subject, hint: positive ? 'Reduce it or cut it into tiles first.' : 'Is it loaded yet?' },
  )
}

/**
 * Pixels with three channels.
 * @throws CflowError IMAGE when the size is out of range, or the data are not of that size
 */
export function toRgb({ width, height, data }: Pixels): RgbImage {
  checkSize(width, height)
  const count = width * height
  if (data.length === 3 * count)
    return { width, height, data: data instanceof Uint8Array ? data : new Uint8Array(data) }
  if (data.length !== 4 * count)
    throw new CflowError(
      'IMAGE',
      `an image of ${width}×${height} has ${3 * count} bytes (RGB) or ${4 * count} (RGBA), got ${data.length}`,
      { subject: 'image' },
    )
  const rgb = new Uint8Array(3 * count)
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from] as number
    rgb[to++] = data[from + 1] as number
    rgb[to++] = data[from + 2] as number
  }
  return { width, height, data: rgb }
}
