import { crc32 } from 'node:zlib'
import { open } from 'node:fs/promises'
import { writeFileAtomic } from '@cflow/base/node'
import type { Mask, RgbImage } from '@cflow/base'
import { encodeMaskPng, encodePng } from './images.js'

/**
 * Pictures that a prediction leaves, and pages of an inspection, say in their file what they are, so that they are never
 * taken for what a user brought, wherever they lie.
 */
type Made = 'overlay' | 'mask' | 'map' | 'sheet'

const made: readonly Made[] = ['overlay', 'mask', 'map', 'sheet']
const mark = (kind: Made): string => `cflow ${kind === 'sheet' ? 'inspect' : 'predict'} ${kind}`

/** The marks lie within so many bytes from a file's beginning. */
const headBytes = 256

/** What the beginning of a file says of how it was made; undefined for photographs. */
function madeOf(head: Uint8Array): Made | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, headBytes))
  return made.find((kind) => text.includes(mark(kind), 0, 'latin1'))
}

/** What an ordinary file is that a prediction or an inspection made; undefined for others, and for what cannot be read. */
export async function madeFile(path: string): Promise<Made | undefined> {
  if (!/\.(png|tiff?|html?)$/i.test(path)) return undefined
  const file = await open(path, 'r').catch(() => undefined)
  try {
    const head = new Uint8Array(headBytes)
    const read = await file?.read(head, 0, headBytes, 0)
    return read && madeOf(head.subarray(0, read.bytesRead))
  } catch {
    return undefined
  } finally {
    await file?.close()
  }
}

/** Write the picture that shows a detection, as PNG. @throws CflowError IO */
export const writeOverlay = async (path: string, image: RgbImage): Promise<void> =>
  writeFileAtomic(path, marked(await encodePng(image), 'overlay'))

/** Write the anomalous pixels of a detection as PNG: 255 where they are, else 0. @throws CflowError IO */
export const writePredictedMask = async (path: string, mask: Mask): Promise<void> =>
  writeFileAtomic(path, marked(await encodeMaskPng(mask), 'mask'))

/** Write a page that shows a data set. @param html begins with its doctype @throws CflowError IO */
export const writeSheet = async (path: string, html: string): Promise<void> =>
  writeFileAtomic(path, html.replace(/^<!doctype html>\n?/i, `$&<!-- ${mark('sheet')} -->\n`))

/** Bytes of a PNG's signature and of its first chunk, IHDR. */
const pngHeader = 8 + 25

/** A PNG with a text chunk that says what it is. */
function marked(png: Uint8Array, kind: Made): Uint8Array {
  const content = Buffer.from(`tEXtSoftware\0${mark(kind)}`, 'latin1')
  const chunk = Buffer.alloc(content.length + 8)
  chunk.writeUInt32BE(content.length - 4)
  content.copy(chunk, 4)
  chunk.writeUInt32BE(crc32(content), content.length + 4)
  return Buffer.concat([png.subarray(0, pngHeader), chunk, png.subarray(pngHeader)])
}

/**
 * Write numbers as a TIFF of one float32 channel, not compressed: what image programs and libraries open without being told
 * its size (ImageJ, OpenCV, Pillow, MATLAB, HALCON).
 * @param map `data[y·width + x]`
 * @throws CflowError IO
 */
export async function writeMap(
  path: string,
  map: { readonly width: number; readonly height: number; readonly data: Float32Array },
): Promise<void> {
  const { width, height, data } = map
  const software = Buffer.from(`${mark('map')}\0`, 'latin1')
  const [short, long, ascii] = [3, 4, 2]
  const fields = 11
  const textAt = 8 + 2 + 12 * fields + 4
  const pixelsAt = (textAt + software.length + 3) & ~3
  const bytes = Buffer.alloc(pixelsAt + 4 * data.length)
  bytes.write('II*\0', 'latin1')
  bytes.writeUInt32LE(8, 4)
  bytes.writeUInt16LE(fields, 8)
  const entries: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, 1, 32], // bits of a sample
    [259, short, 1, 1], // not compressed
    [262, short, 1, 1], // black is zero
    [273, long, 1, pixelsAt],
    [277, short, 1, 1], // samples of a pixel
    [278, long, 1, height], // rows of a strip
    [279, long, 1, 4 * data.length],
    [305, ascii, software.length, textAt],
    [339, short, 1, 3], // floating point
  ]
  entries.forEach(([tag, type, count, value], i) => {
    const at = 10 + 12 * i
    bytes.writeUInt16LE(tag, at)
    bytes.writeUInt16LE(type, at + 2)
    bytes.writeUInt32LE(count, at + 4)
    bytes.writeUInt32LE(value, at + 8)
  })
  software.copy(bytes, textAt)
  data.forEach((v, i) => bytes.writeFloatLE(v, pixelsAt + 4 * i))
  await writeFileAtomic(path, bytes)
}
