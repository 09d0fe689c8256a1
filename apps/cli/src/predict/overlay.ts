import type { RgbImage } from '@cflow/base'
import { resizeLanczos } from '@cflow/datasets'
import { writePng } from '@cflow/datasets/node'
import type { Detection } from '@cflow/detector'
import { heatmapOverlay, heatRange } from '@cflow/report'

/** Longest side of an overlay in pixels; larger images are reduced. */
const longest = 1600

/** Write an image with its anomaly map over it, and the outline of what lies above the threshold. */
export async function writeOverlay(
  path: string,
  image: RgbImage,
  { anomalyMap, threshold }: Detection,
): Promise<void> {
  // colours mean the same in every picture: nothing at the picture's median, orange from the threshold on
  const range = heatRange([anomalyMap], threshold)
  await writePng(path, heatmapOverlay(reduced(image), anomalyMap, range, threshold))
}

function reduced(image: RgbImage): RgbImage {
  const scale = longest / Math.max(image.width, image.height)
  if (scale >= 1) return image
  const fitted = (side: number) => Math.max(1, Math.round(side * scale))
  return resizeLanczos(image, fitted(image.width), fitted(image.height))
}
