import { CflowError } from '@cflow/base'
import type { Mask, RgbImage } from '@cflow/base'
import type { Sharp } from 'sharp'
import { heatmapOverlay, maskAbove, type HeatRange } from './heatmap.js'
import type { ReportExample } from './input.js'
import { drawRing, paint, type Colour } from './outline.js'
import { resampleMap, resampleMask } from './resample.js'

/** The three pictures of an example as data URIs. */
export interface Panels {
  readonly size: number
  readonly input: string
  readonly heat: string
  readonly mask: string
}

/** Red of the ground truth, in pictures of any theme. */
const truthColour: Colour = [255, 40, 50]

/**
 * Pictures of one example, encoded as WebP: the input with its ground truth in red, the heat map with the predicted
 * mask's outline, and the predicted mask in white with the ground truth's outline.
 */
export async function renderPanels(
  example: ReportExample,
  pixelThreshold: number,
  range: HeatRange,
): Promise<Panels> {
  const size = Math.min(384, Math.max(256, example.image.width))
  const mapSize = Math.round(Math.sqrt(example.map.length))
  const image = await resized(example.image, size)
  const truth = example.truth && resampleMask(example.truth, size, size)
  const map = resampleMap(example.map, mapSize, size, size)
  const heat = heatmapOverlay(image, map, size, range, { contour: pixelThreshold })
  const predicted = maskAbove(map, size, size, pixelThreshold)
  return {
    size,
    input: await dataUri(withTruth(image, truth), false),
    heat: await dataUri(heat, false),
    mask: await dataUri(maskPicture(predicted, truth), true),
  }
}

function withTruth(image: RgbImage, truth: Mask | undefined): RgbImage {
  const picture = { ...image, data: Uint8Array.from(image.data) }
  if (!truth) return picture
  drawRing(picture, truth, truthColour)
  return picture
}

function maskPicture(predicted: Mask, truth: Mask | undefined): RgbImage {
  const { width, height } = predicted
  const picture = { width, height, data: new Uint8Array(width * height * 3).fill(24) }
  paint(picture, predicted, [245, 245, 245], 1)
  if (truth) drawRing(picture, truth, truthColour)
  return picture
}

async function resized(image: RgbImage, size: number): Promise<RgbImage> {
  if (image.width === size && image.height === size) return image
  const data = await (await picture(image)).resize(size, size, { fit: 'fill' }).raw().toBuffer()
  return { width: size, height: size, data: new Uint8Array(data) }
}

async function dataUri(image: RgbImage, lossless: boolean): Promise<string> {
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
