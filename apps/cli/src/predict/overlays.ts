import type { RgbImage } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { resizeLanczos } from '@cflow/datasets'
import { writePng } from '@cflow/datasets/node'
import type { Detection } from '@cflow/detector'
import { heatRange, heatmapOverlay } from '@cflow/trainer/node'
import { join } from 'node:path'
import { overlayNames } from './overlay-names.js'
import type { Target } from './paths.js'

/** Longest side of an overlay in pixels; larger images are reduced. */
const longest = 1600

/**
 * Make the folder for overlays.
 * @returns writes the overlay of the image at a path, and gives the overlay's path
 */
export async function overlayWriter(folder: string, targets: readonly Target[]) {
  await makeFolder(folder)
  const images = targets.filter((t) => !('error' in t)).map((t) => t.path)
  const names = new Map(overlayNames(images).map((name, i) => [images[i]!, name]))
  return async (source: string, image: RgbImage, detection: Detection): Promise<string> => {
    const path = join(folder, names.get(source)!)
    await writePng(path, overlay(image, detection))
    return path
  }
}

/** An image with its anomaly map over it, and the outline of what lies above the threshold. */
function overlay(image: RgbImage, { anomalyMap, threshold }: Detection): RgbImage {
  // colours mean the same in every picture: nothing at the picture's median, orange from the threshold on
  const range = heatRange([anomalyMap.data], threshold)
  const options = { contour: threshold }
  return heatmapOverlay(reduced(image), anomalyMap.data, anomalyMap.width, range, options)
}

function reduced(image: RgbImage): RgbImage {
  const scale = longest / Math.max(image.width, image.height)
  if (scale >= 1) return image
  const fitted = (side: number) => Math.max(1, Math.round(side * scale))
  return resizeLanczos(image, fitted(image.width), fitted(image.height))
}
