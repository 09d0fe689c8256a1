import type { RgbImage } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { resizeLanczos } from '@cflow/datasets'
import { writePng } from '@cflow/datasets/node'
import type { Detection } from '@cflow/detector'
import { heatRange, heatmapOverlay } from '@cflow/report'
import { dirname, extname, join, relative, resolve, sep } from 'node:path'
import type { Target } from './paths.js'

/** What an overlay shows of a detection. */
type Drawn = Pick<Detection, 'anomalyMap' | 'threshold'>

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
  return async (source: string, image: RgbImage, detection: Drawn): Promise<string> => {
    const path = join(folder, names.get(source)!)
    await writePng(path, overlay(image, detection))
    return path
  }
}

/** An image with its anomaly map over it, and the outline of what lies above the threshold. */
function overlay(image: RgbImage, { anomalyMap, threshold }: Drawn): RgbImage {
  // colours mean the same in every picture: nothing at the picture's median, orange from the threshold on
  const range = heatRange([anomalyMap], threshold)
  return heatmapOverlay(reduced(image), anomalyMap, range, threshold)
}

function reduced(image: RgbImage): RgbImage {
  const scale = longest / Math.max(image.width, image.height)
  if (scale >= 1) return image
  const fitted = (side: number) => Math.max(1, Math.round(side * scale))
  return resizeLanczos(image, fitted(image.width), fitted(image.height))
}

/**
 * Where the overlay of each image goes in the output folder: the image's path below the folder that all images have in
 * common, so that images of one name in different folders stay apart. `a/1.png` and `a/1.jpg` become `1.png.png` and
 * `1.jpg.png`, also on disks that do not tell upper from lower case.
 * @returns relative paths, in the order of the images
 */
export function overlayNames(images: readonly string[]): readonly string[] {
  const whole = images.map((image) => resolve(image))
  const common = commonFolder(whole.map((path) => dirname(path)))
  const below = whole.map((path) => relative(common, path))
  const plain = below.map((path) => path.slice(0, path.length - extname(path).length))
  const count = new Map<string, number>()
  for (const name of plain) count.set(name.toLowerCase(), (count.get(name.toLowerCase()) ?? 0) + 1)
  const used = new Set<string>()
  return plain.map((name, i) => {
    let chosen = count.get(name.toLowerCase()) === 1 ? name : below[i]!
    for (let n = 2; used.has(chosen.toLowerCase()); n++) chosen = `${below[i]!}-${n}`
    used.add(chosen.toLowerCase())
    return `${chosen}.png`
  })
}

function commonFolder(folders: readonly string[]): string {
  const [first = sep, ...others] = folders
  let parts = first.split(sep)
  for (const other of others) {
    const its = other.split(sep)
    const same = parts.findIndex((part, i) => part !== its[i])
    if (same >= 0) parts = parts.slice(0, same)
  }
  return join(parts.join(sep), sep)
}
