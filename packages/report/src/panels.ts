import { CflowError, type RgbImage } from '@cflow/base'
import { maskAbove } from '@cflow/detector'
import type { Sharp } from 'sharp'
import { heatmapOverlay, type HeatRange } from './heatmap.js'
import type { ReportExample } from './input.js'
import { drawRing, paint, resampleMap, resampleMask } from './picture.js'

/** The three pictures of an example as data URIs. */
export interface Panels {
  readonly size: number
  readonly input: string
  readonly heat: string
  readonly mask: string
}

/**
 * Pictures of one example, encoded as WebP: the input with its ground truth in red, the heat map with the predicted
 * mask's outline, and the predicted mask in white with the ground truth's outline.
 * @param size side of the pictures in pixels
 */
export async function renderPanels(
  example: Pick<ReportExample, 'image' | 'anomalyMap' | 'mask'>,
  pixelThreshold: number,
  range: HeatRange,
  size = Math.min(384, Math.max(256, example.image.width)),
): Promise<Panels> {
  const image = await resized(example.image, size)
  const map = resampleMap(example.anomalyMap, size, size)
  const truth = example.mask && resampleMask(example.mask, size, size)
  const withTruth = (picture: RgbImage): RgbImage => {
    // a red that shows in pictures of any theme
    if (truth) drawRing(picture, truth, [255, 40, 50])
    return picture
  }
  const predicted = { ...image, data: new Uint8Array(size * size * 3).fill(24) }
  paint(predicted, maskAbove(map, pixelThreshold), [245, 245, 245])
  return {
    size,
    input: await dataUri(withTruth({ ...image, data: Uint8Array.from(image.data) }), false),
    heat: await dataUri(heatmapOverlay(image, map, range, pixelThreshold), false),
    mask: await dataUri(withTruth(predicted), true),
  }
}

async function resized(image: RgbImage, size: number): Promise<RgbImage> {
  if (image.width === size && image.height === size) return image
  const data = await (await picture(image)).resize(size, size, { fit: 'fill' }).raw().toBuffer()
  return { width: size, height: size, data: new Uint8Array(data) }
}

/** A picture as WebP in a data URI. */
export async function dataUri(image: RgbImage, lossless: boolean): Promise<string> {
  const encoder = await picture(image)
  const webp = await encoder
    .webp(lossless ? { lossless: true } : { quality: 85, smartSubsample: true })
    .toBuffer()
  return `data:image/webp;base64,${webp.toString('base64')}`
}

async function picture({ width, height, data }: RgbImage): Promise<Sharp> {
  let library: typeof import('sharp').default
  try {
    library = (await import('sharp')).default
  } catch (cause) {
    throw new CflowError('RUNTIME', 'the image library sharp cannot be loaded', {
      subject: 'sharp',
      hint: 'Install it for this platform: npm install --include=optional sharp',
      cause,
    })
  }
  return library(data, { raw: { width, height, channels: 3 } })
}
