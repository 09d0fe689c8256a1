import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

const generated = join(import.meta.dirname, '../generated')

/** The file of the detector that the page opens with, once the site is built. */
export const exampleFile = join(generated, 'cable.onnx')

/** The files of its pictures, in order. */
export function exampleImageFiles(): string[] {
  const folder = join(generated, 'images/cable')
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
}

/** A PNG of a size, in one colour. */
export const plain = (width: number, height: number, background = '#ff00ff'): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer()

/** A photograph-like JPEG, another one for every number. */
export function photograph(n: number, side = 300): Promise<Buffer> {
  const data = Buffer.alloc(3 * side * side)
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)]
    data[i] =
      128 + 50 * Math.sin(x / 9 + (i % 3) + n / 7) + 50 * Math.cos(y / 7) + ((i * (n + 7919)) % 11)
  }
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .jpeg()
    .toBuffer()
}

/** Photographs as a person chooses them, `part 1.jpg` and on; that of index `damaged` is cut off. */
export async function photographFiles(count: number, damaged: number) {
  const photos = await Promise.all(Array.from({ length: count }, (_, i) => photograph(i)))
  return photos.map((whole, i) => ({
    ...{ name: `part ${i + 1}.jpg`, mimeType: 'image/jpeg' },
    buffer: i === damaged ? whole.subarray(0, whole.length / 2) : whole,
  }))
}
