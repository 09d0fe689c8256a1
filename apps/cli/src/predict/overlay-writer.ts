import type { RgbImage } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import type { Detection } from '@cflow/detector'
import { join } from 'node:path'
import { overlayNames } from './overlay-names.js'
import type { Target } from './paths.js'

/** Writes the overlay of the image at a path and gives the overlay's path. */
type OverlayWriter = (source: string, image: RgbImage, detection: Detection) => Promise<string>

/** Make the folder for overlays. What draws them is loaded only now: without overlays a prediction starts sooner. */
export async function overlayWriter(
  folder: string,
  targets: readonly Target[],
): Promise<OverlayWriter> {
  const { writeOverlay } = await import('./overlay.js')
  await makeFolder(folder)
  const images = targets.filter((t) => !('error' in t)).map((t) => t.path)
  const names = new Map(overlayNames(images).map((name, i) => [images[i]!, name]))
  return async (source, image, detection) => {
    const path = join(folder, names.get(source)!)
    await writeOverlay(path, image, detection)
    return path
  }
}
