import type { RgbImage } from '@cflow/base'
import type { Detection } from '@cflow/detector'
import { join } from 'node:path'
import { overlayNames } from './overlay-names.js'
import type { Target } from './paths.js'

/** Writes the overlay of an image and gives its path. */
type OverlayWriter = (index: number, image: RgbImage, detection: Detection) => Promise<string>

/** Make the folder for overlays. What draws them is loaded only now: without overlays a prediction starts sooner. */
export async function overlayWriter(
  folder: string,
  targets: readonly Target[],
): Promise<OverlayWriter> {
  const { makeFolder } = await import('@cflow/trainer/node')
  const { writeOverlay } = await import('./overlay.js')
  await makeFolder(folder)
  const names = overlayNames(targets.map((t) => t.path))
  return async (index, image, detection) => {
    const path = join(folder, names[index]!)
    await writeOverlay(path, image, detection)
    return path
  }
}
