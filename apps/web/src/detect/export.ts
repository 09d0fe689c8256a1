import { mapOutside, plainDetection } from '@cflow/detector'
import { paintHeat } from './heat.js'
import { unstored, type Item, type Verdict } from './item.js'

/** An image with its verdict at the threshold in use. */
export interface Result {
  readonly item: Item
  readonly verdict: Verdict
}

const pathOf = ({ path, name }: Item): string => path ?? name

/** A cell as spreadsheets read it; one that begins like a formula is text. */
const cell = (value: string | number | boolean | undefined): string => {
  const text = String(value ?? '')
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * A line an image: path, score, threshold, verdict, p-value, what is known of it and what a person said. Where regions do not
 * count, the score is that of the rest, and two columns more have that of the whole image and the regions: x, y, width and
 * height of each in parts of the image.
 */
export function csvOf(results: readonly Result[]): string {
  const isPart = results.some(({ item }) => item.outside)
  const rows = results.map(({ item, verdict }) => [
    ...[pathOf(item), verdict.score, verdict.threshold, verdict.anomalous, verdict.pValue],
    ...[item.truth, item.mark],
    ...(isPart ? [item.outside?.whole ?? verdict.score, regionsIn(item)] : []),
  ])
  const head = ['path', 'score', 'threshold', 'anomalous', 'p_value', 'truth', 'marked']
  if (isPart) head.push('whole_score', 'regions_left_out')
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

const regionsIn = ({ outside }: Item): string =>
  (outside?.regions ?? [])
    .map(({ x, y, width, height }) =>
      [x, y, width, height].map((v) => Number(v.toFixed(4))).join(' '),
    ) // prettier-ignore
    .join('; ')

/** @param detector what made the results */
export const jsonOf = (results: readonly Result[], detector: string): string =>
  JSON.stringify(
    {
      detector,
      images: results.map(({ item, verdict }) => ({
        path: pathOf(item),
        ...plainDetection(verdict),
        ...(item.outside && { wholeScore: item.outside.whole, regionsLeftOut: item.outside.regions }), // prettier-ignore
        ...(item.truth !== undefined && { truth: item.truth }),
        ...(item.mark !== undefined && { marked: item.mark }),
      })),
    },
    undefined,
    2,
  )

/**
 * The photographs with their heat maps, as PNGs in a zip, in the folders they came from.
 * @param opacity of the maps, 0 to 1
 */
export async function zipOf(results: readonly Result[], opacity: number): Promise<Blob> {
  const { Zip, ZipPassThrough } = await import('fflate')
  const parts: Uint8Array<ArrayBuffer>[] = []
  const zip = new Zip((error, data) => {
    if (error) throw error
    parts.push(data as Uint8Array<ArrayBuffer>)
  })
  const names = new Set<string>()
  for (const { item, verdict } of results) {
    if (!item.map) continue
    const file = new ZipPassThrough(`${unused(pathOf(item), names)}.png`)
    zip.add(file)
    file.push(await overlay(item, verdict, opacity), true)
  }
  zip.end()
  return new Blob(parts, { type: 'application/zip' })
}

/** A path without its extension that no other has. */
function unused(path: string, names: Set<string>): string {
  const plain = path.replace(/\.\w{1,5}$/, '').replace(/^[/\\]+|\.\.[/\\]/g, '')
  let name = plain
  for (let n = 2; names.has(name); n++) name = `${plain} ${n}`
  names.add(name)
  return name
}

async function overlay(item: Item, { threshold }: Verdict, opacity: number): Promise<Uint8Array> {
  const photo = await createImageBitmap(item.upright ?? item.blob)
  const canvas = new OffscreenCanvas(photo.width, photo.height)
  const context = canvas.getContext('2d')!
  context.drawImage(photo, 0, 0)
  photo.close()
  const map = mapOutside(await unstored(item.map!), item.outside?.regions ?? [])
  const heat = new OffscreenCanvas(map.width, map.height)
  paintHeat(heat, map, threshold)
  context.globalAlpha = opacity
  context.drawImage(heat, 0, 0, canvas.width, canvas.height)
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())
}

/** Give a file to the person. */
export function save(content: Blob | string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
