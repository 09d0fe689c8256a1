import { CflowError, messageOf, type InPages, type RgbImage } from '@cflow/base'
import { unmultiplied } from './unmultiplied.js'
import { checkSize, kindOf, toRgb } from './sources.js'

/** What a canvas can draw and has a size. */
export type Drawable =
  | InPages<'ImageBitmap'>
  | InPages<'HTMLImageElement'>
  | InPages<'HTMLCanvasElement'>
  | InPages<'OffscreenCanvas'>
  | InPages<'HTMLVideoElement'>
  | InPages<'VideoFrame'>

const kinds = [
  'ImageBitmap',
  'HTMLImageElement',
  'HTMLCanvasElement',
  'OffscreenCanvas',
  'HTMLVideoElement',
  'VideoFrame',
]

export const isDrawable = (image: unknown): image is Drawable => kinds.includes(kindOf(image))

/**
 * The pixels of what a canvas can draw, at its own size.
 * @throws CflowError IMAGE when it has no size (not loaded), is too large, or is of another origin without CORS
 */
export async function pixelsOf(image: Drawable, subject = 'image'): Promise<RgbImage> {
  if ('decode' in image)
    await image.decode().catch((cause: unknown) => {
      throw new CflowError('IMAGE', `the image could not be loaded: ${messageOf(cause)}`, {
        subject: image.currentSrc || subject,
        cause,
      })
    })
  const [width, height] = sizeOf(image)
  checkSize(width, height, subject)
  const context = contextOf(width, height)
  try {
    context.drawImage(image, 0, 0, width, height)
    const drawn = context.getImageData(0, 0, width, height)
    // a canvas multiplies colours by alpha, and what is transparent loses them
    const exact = kindOf(image) === 'ImageBitmap' && hasAlpha(drawn.data)
    return toRgb((exact && unmultiplied(image as ImageBitmap)) || drawn)
  } catch (cause) {
    throw new CflowError('IMAGE', `the pixels cannot be read: ${messageOf(cause)}`, {
      subject,
      hint: 'An image of another site needs CORS headers there and crossorigin="anonymous" here.',
      cause,
    })
  }
}

function hasAlpha(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return true
  return false
}

function sizeOf(image: Drawable): readonly [number, number] {
  if ('naturalWidth' in image) return [image.naturalWidth, image.naturalHeight]
  if ('videoWidth' in image) return [image.videoWidth, image.videoHeight]
  if ('displayWidth' in image) return [image.displayWidth, image.displayHeight]
  return [image.width, image.height]
}

function contextOf(
  width: number,
  height: number,
): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D {
  const canvas =
    typeof OffscreenCanvas === 'undefined'
      ? Object.assign(document.createElement('canvas'), { width, height })
      : new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { willReadFrequently: true }) as
    CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null
  if (context) return context
  throw new CflowError('IMAGE', `this browser has no canvas of ${width}×${height}`, {
    hint: 'Reduce the image first.',
  })
}
