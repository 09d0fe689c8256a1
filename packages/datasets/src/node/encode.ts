import { CflowError, messageOf } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import type { Mask, RgbImage } from '@cflow/base'
import { loadSharp } from './load-sharp.js'

/**
 * The image as the bytes of an 8-bit RGB PNG, without loss.
 * @throws CflowError SHAPE when `data` is not `width·height·3` bytes
 */
export function encodePng(image: RgbImage): Promise<Uint8Array> {
  return encode(image.width, image.height, 3, image.data)
}

/**
 * The mask as the bytes of an 8-bit grey PNG: 0 normal, 255 anomalous (so that it can be looked at).
 * @throws CflowError SHAPE when `data` is not `width·height` bytes
 */
export function encodeMaskPng(mask: Mask): Promise<Uint8Array> {
  const grey = mask.data.map((v) => (v === 0 ? 0 : 255))
  return encode(mask.width, mask.height, 1, grey)
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

async function encode(
  width: number,
  height: number,
  channels: 1 | 3,
  data: Uint8Array,
): Promise<Uint8Array> {
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
      hint: messageOf(cause).split('\n')[0]!,
      cause,
    })
  }
}
