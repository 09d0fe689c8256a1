import { CflowError, type Mask, type RgbImage } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { madeFile, writeMap, writeOverlay, writePredictedMask } from '@cflow/datasets/node'
import { maskAbove, type Detection } from '@cflow/detector'
import { heatRange, heatmapOverlay, resampleMap } from '@cflow/report'
import { lstat, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { drawLabel } from './label.js'
import { resultNames } from './names.js'
import type { Target } from './paths.js'

/** What files show of a detection. */
type Shown = Pick<Detection, 'anomalyMap' | 'threshold' | 'score' | 'anomalous'>

/** Kinds of files that a prediction leaves for each image: the setting that names their folder, and what they end with. */
const kinds = [
  { setting: 'out', field: 'overlay', ending: '.png' },
  { setting: 'masks', field: 'mask', ending: '_mask.png' },
  { setting: 'maps', field: 'map', ending: '.tiff' },
] as const

type Folders = { readonly [K in (typeof kinds)[number]['setting']]?: string | undefined }
/** Paths of the files of one image. */
type Paths = { [K in (typeof kinds)[number]['field']]?: string }

/** The files that a prediction leaves. */
export interface Outputs {
  /** Make the folders, before any work: a place that cannot be written to is found out at once. @throws CflowError IO */
  prepare(): Promise<void>
  /** Write the files of an image. @returns their paths @throws CflowError IO */
  write(path: string, image: RgbImage, shown: Shown): Promise<Paths>
}

/** @throws CflowError as `planOutputs` */
export async function outputsOf(
  folders: Folders,
  targets: readonly Target[],
  overwrite = false,
): Promise<Outputs> {
  const plan = await planOutputs(folders, targets, overwrite)
  return {
    async prepare() {
      for (const folder of Object.values(folders))
        if (folder !== undefined) await makeFolder(folder)
    },
    async write(path, image, shown) {
      const paths = plan.get(path) ?? {}
      await writeOutputs(paths, image, shown)
      return paths
    },
  }
}

/**
 * Where the files of each image go, before anything is read or written.
 * @param overwrite also replaces files that no prediction wrote; photographs never
 * @throws CflowError USAGE where a file would lie among the photographs or replace one, EXISTS where it would replace another
 */
async function planOutputs(
  folders: Folders,
  targets: readonly Target[],
  overwrite: boolean,
): Promise<ReadonlyMap<string, Paths>> {
  const images = targets.filter((t) => !('error' in t)).map((t) => t.path)
  const names = resultNames(images)
  const photographs = await identities(images)
  const homes = await identities([...new Set(images.map((path) => dirname(resolve(path))))])
  const plan = new Map<string, Paths>(images.map((path) => [path, {}]))
  const taken = new Map<string, string>()
  for (const { setting, field, ending } of kinds) {
    const folder = folders[setting]
    if (folder === undefined) continue
    const flag = `--${setting}`
    for (const [i, image] of images.entries()) {
      const path = join(folder, `${names[i]!}${ending}`)
      await requireFree(path, flag, { photographs, homes, overwrite })
      const other = taken.get(resolve(path).toLowerCase())
      if (other !== undefined)
        throw new CflowError('USAGE', `${path} would be written twice, by ${other} and ${flag}`, {
          subject: flag,
          hint: 'Give each its own folder.',
        })
      taken.set(resolve(path).toLowerCase(), flag)
      plan.get(image)![field] = path
    }
  }
  return plan
}

/** A file's or folder's identity, however it is called: links and capitals aside. */
const identityOf = async (path: string): Promise<string | undefined> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  )

async function identities(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(paths.map(identityOf))
  return new Set(found.filter((id) => id !== undefined))
}

async function requireFree(
  path: string,
  subject: string,
  {
    photographs,
    homes,
    overwrite,
  }: {
    readonly photographs: ReadonlySet<string>
    readonly homes: ReadonlySet<string>
    readonly overwrite: boolean
  },
): Promise<void> {
  const home = await identityOf(dirname(path))
  const hint = 'Choose another folder for the results.'
  if (home !== undefined && homes.has(home)) {
    const message = `${dirname(path)} holds the photographs: results are not written among them`
    throw new CflowError('USAGE', message, { subject, hint })
  }
  const there = await lstat(path).catch(() => undefined)
  if (there === undefined) return
  const identity = await identityOf(path)
  if (identity !== undefined && photographs.has(identity))
    throw new CflowError('USAGE', `${path} is one of the photographs`, { subject, hint })
  if (overwrite || (there.isFile() && (await madeFile(path)) !== undefined)) return
  throw new CflowError('EXISTS', `${path} is there already, and predict did not write it`, {
    subject,
    hint: `${hint} --overwrite replaces it.`,
  })
}

async function writeOutputs(
  { overlay, mask, map }: Paths,
  image: RgbImage,
  shown: Shown,
): Promise<void> {
  if (overlay !== undefined) await writeOverlay(overlay, overlayOf(image, shown))
  if (mask !== undefined) await writePredictedMask(mask, maskOf(image, shown))
  if (map !== undefined) await writeMap(map, shown.anomalyMap)
}

/** An image with its anomaly map over it, the outline of what lies above the threshold, and the verdict. */
function overlayOf(image: RgbImage, { anomalyMap, threshold, score, anomalous }: Shown): RgbImage {
  // colours mean the same in every picture: nothing at the picture's median, orange from the threshold on
  const range = heatRange([anomalyMap], threshold)
  const drawn = heatmapOverlay(image, anomalyMap, range, threshold)
  const digits = (value: number) => value.toPrecision(4)
  const sign = anomalous ? '>' : '<='
  drawLabel(drawn, [anomalous ? 'ANOMALOUS' : 'GOOD', `${digits(score)} ${sign} ${digits(threshold)}`], anomalous) // prettier-ignore
  return drawn
}

/** The anomalous pixels at the image's own size; at least one exactly when the image is anomalous. */
function maskOf({ width, height }: RgbImage, { anomalyMap, threshold, anomalous }: Shown): Mask {
  const mask = maskAbove(resampleMap(anomalyMap, width, height), threshold)
  if (!anomalous || mask.data.includes(1)) return mask
  // a map that is made smaller, or sampled between its pixels, may lose its peak
  const peak = anomalyMap.data.indexOf(anomalyMap.data.reduce((a, b) => Math.max(a, b)))
  const along = (at: number, from: number, to: number) => Math.floor(((at + 0.5) * to) / from)
  const x = along(peak % anomalyMap.width, anomalyMap.width, width)
  const y = along(Math.floor(peak / anomalyMap.width), anomalyMap.height, height)
  mask.data[y * width + x] = 1
  return mask
}
