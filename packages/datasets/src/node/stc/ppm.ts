import { CflowError } from '@cflow/base'
import type { RgbImage } from '@cflow/base'

/** No header is longer than this. */
const maxHeader = 64

/**
 * Images of a stream of binary PPM files (`P6`, 8 bits), one after the other. One image is held at a time.
 * @throws CflowError IMAGE for another format, an image over `maxPixels`, or a stream that ends inside one
 */
export async function* ppmImages(
  stream: AsyncIterable<Uint8Array>,
  maxPixels: number,
): AsyncGenerator<RgbImage> {
  let header = ''
  let image: RgbImage | undefined
  let filled = 0
  for await (const chunk of stream) {
    let at = 0
    while (at < chunk.length) {
      if (!image) {
        header += String.fromCharCode(chunk[at++] as number)
        image = imageOf(header, maxPixels)
        filled = 0
        continue
      }
      const part = chunk.subarray(at, at + image.data.length - filled)
      image.data.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < image.data.length) continue
      yield image
      image = undefined
      header = ''
    }
  }
  if (image || header !== '') throw foreign('it ends inside an image')
}

/** The image that a complete header announces; undefined while it is incomplete. */
function imageOf(header: string, maxPixels: number): RgbImage | undefined {
  if (header.length > maxHeader) throw foreign('a header is too long')
  const found = /^P6\s+(\d+)\s+(\d+)\s+(\d+)\s$/.exec(header)
  if (!found) return undefined
  const [width, height, most] = found.slice(1).map(Number) as [number, number, number]
  if (most !== 255 || width * height === 0 || width * height > maxPixels)
    throw foreign(`${width}×${height} pixels to ${most} are not supported`)
  return { width, height, data: new Uint8Array(width * height * 3) }
}

function foreign(why: string): CflowError {
  return new CflowError('IMAGE', `the stream of PPM images cannot be used: ${why}`)
}
