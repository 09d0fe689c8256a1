import type { Mask } from '@cflow/base'
import type { TruthMask } from '../dataset.js'
import { fault } from './files.js'
import { decodeStored } from './images.js'

/** Which pixels of a mask are the defect: those that are not black, or those that differ from a light ground. */
export type Polarity = 'light' | 'dark'

/** A mask file as it is stored: not turned by EXIF, and its colours, alpha and faults still to be understood. */
export interface StoredMask {
  readonly subject: string
  readonly width: number
  readonly height: number
  /** Red, green and blue or all three the same, then alpha where there is one. */
  readonly channels: number
  readonly data: Uint8Array
  /** The format where it loses information. */
  readonly lossy: string | undefined
  /** Orientation in EXIF, 1 to 8. */
  readonly orientation: number
}

/** What a mask shows. */
export interface MaskReading {
  readonly mask: Mask
  /** Share of the pixels, and of those at the border of the picture, that are anomalous. */
  readonly share: number
  readonly borderShare: number
  readonly remarks: readonly string[]
}

/**
 * Read a mask file, or its bytes.
 * @throws CflowError as `decodeImage`
 */
export async function readMaskFile(pathOrBytes: string | Uint8Array): Promise<StoredMask> {
  const { data, max, ...stored } = await decodeStored(pathOrBytes)
  return { ...stored, data: eightBits(data, max) }
}

/**
 * 0 … `max` as eight bits; where there are only small numbers in sixteen, such as those of classes, they stay; what is not
 * zero stays so.
 */
function eightBits(values: Uint8Array | Uint16Array, max: number): Uint8Array {
  if (max === 255 && values instanceof Uint8Array) return values
  if (max > 255 && values.every((v) => v <= 255)) return Uint8Array.from(values)
  return Uint8Array.from(values, (v) => (v === 0 ? 0 : Math.max(1, Math.round((v * 255) / max))))
}

/**
 * Decode a ground-truth mask file, or its bytes, by itself: 1 is anomalous, and what is remarkable is said. A pixel that is
 * not black is anomalous; where the shapes are in the alpha channel only, those that are not transparent; where no pixel is
 * black, those that differ from the colour of the border. Of what was stored with loss, or has soft edges, only what is at
 * least half as light as the lightest counts.
 * @throws CflowError as `decodeImage`; MASK for a photograph
 */
export async function decodeMask(pathOrBytes: string | Uint8Array): Promise<TruthMask> {
  const stored = await readMaskFile(pathOrBytes)
  const { mask, remarks } = understand(stored)
  return { ...turned(mask, stored.orientation), ...(remarks.length > 0 && { remarks }) }
}

/**
 * What a mask means.
 * @param polarity what is known of all masks of the set; where nothing is, the defect is what is not black
 * @throws CflowError MASK for a picture with many shades that are no two
 */
export function understand(stored: StoredMask, polarity?: Polarity): MaskReading {
  const { width, height, channels, data, lossy } = stored
  const pixels = width * height
  const colours = channels >= 3 ? 3 : 1
  const alpha = channels === 2 || channels === 4 ? opacity(stored) : undefined

  /** How far each pixel is from the ground, in the channel where it is farthest. */
  const read = (ground: readonly number[], within?: Uint8Array) => {
    const [r = 0, g = 0, b = 0] = ground
    const distances = new Uint8Array(pixels)
    for (let i = 0, k = 0; i < pixels; i++, k += channels) {
      let most = Math.abs(data[k]! - r)
      if (colours === 3)
        most = Math.max(most, Math.abs(data[k + 1]! - g), Math.abs(data[k + 2]! - b))
      distances[i] = most
    }
    return { distances, levels: levelsOf(distances, within) }
  }
  let remarks: string[] = []
  let data01: Uint8Array
  let found = read([0, 0, 0], alpha)
  const { distinct, kind, least } = found.levels
  // where it is not transparent there is one colour, or a cut-out photograph, or only colours: the alpha tells
  if (alpha && (distinct <= 1 || kind === 'shades' || least > 0)) {
    data01 = polarity === 'dark' ? alpha.map((v) => 1 - v) : alpha
    const what = polarity === 'dark' ? 'transparent' : 'not transparent'
    remarks = [`has its shapes in the alpha channel: what is ${what} is the defect`]
  } else {
    const noBlack = polarity === undefined && least > 0
    if (polarity === 'dark' || noBlack) {
      const onGround = read(groundOf(stored, alpha), alpha)
      // of one colour all over, all of it is marked
      if (polarity === 'dark' || onGround.levels.distinct > 1) found = onGround
      if (noBlack && found === onGround)
        remarks.push('has no black: what differs from the colour of its border is the defect')
    }
    const { levels, distances } = found
    if (levels.kind === 'shades')
      throw fault(
        'MASK',
        stored.subject,
        `is no mask: it has ${levels.distinct} shades that are no two`,
        'A mask is black where the image is as it should be, and white where it is not.',
      )
    const soft = lossy !== undefined || levels.kind === 'soft'
    const enough = soft ? Math.max(16, Math.ceil(levels.most / 2)) : 1
    data01 = new Uint8Array(pixels)
    for (let i = 0; i < pixels; i++)
      if (distances[i]! >= enough && (alpha === undefined || alpha[i] !== 0)) data01[i] = 1
    if (lossy !== undefined)
      remarks.push(
        `is stored with loss (${lossy}): what is at least half as light counts as defect`,
      )
    else if (soft)
      remarks.push('has soft edges or was once stored with loss: the lighter half counts as defect')
  }
  const { share, borderShare } = sharesOf(data01, width, height)
  return { mask: { width, height, data: data01 }, share, borderShare, remarks }
}

/** What is to be said of how much of a defective image is marked. */
export function remarksOfShare(share: number): readonly string[] {
  if (share === 0) return ['is empty: no pixel of this defective image counts as defect']
  if (share > 0.9) return [`marks ${Math.round(share * 100)} % of the image: is it inverted?`]
  return []
}

/** Where a mask is not transparent; undefined where all of it is, or nothing. */
function opacity({ data, channels, width, height }: StoredMask): Uint8Array | undefined {
  const pixels = width * height
  let [least, most] = [Infinity, -Infinity]
  for (let i = 0; i < pixels; i++) {
    const v = data[i * channels + channels - 1]!
    if (v < least) least = v
    if (v > most) most = v
  }
  if (least === most) return undefined
  const half = (least + most) / 2
  return Uint8Array.from({ length: pixels }, (_, i) =>
    data[i * channels + channels - 1]! > half ? 1 : 0,
  )
}

/** The commonest colour at the border of the picture, among what is not transparent. */
function groundOf(
  { width, height, channels, data }: StoredMask,
  within: Uint8Array | undefined,
): readonly number[] {
  const counts = new Map<number, number>()
  for (const i of borderPixels(width, height)) {
    if (within?.[i] === 0) continue
    const k = i * channels
    const r = data[k]!
    const [g, b] = channels >= 3 ? [data[k + 1]!, data[k + 2]!] : [r, r]
    const key = (r << 16) | (g << 8) | b
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  let [key, most] = [0, 0]
  for (const [k, n] of counts) if (n > most) [key, most] = [k, n]
  return [key >> 16, (key >> 8) & 255, key & 255]
}

interface Levels {
  readonly distinct: number
  readonly least: number
  readonly most: number
  /** `few` values that each may mean something, `soft` ones around two, or `shades` as of a photograph. */
  readonly kind: 'few' | 'soft' | 'shades'
}

function levelsOf(values: Uint8Array, within: Uint8Array | undefined): Levels {
  const counts = new Float64Array(256)
  for (let i = 0; i < values.length; i++)
    if (within === undefined || within[i] !== 0) counts[values[i]!]!++
  const present = [...counts.keys()].filter((v) => counts[v]! > 0)
  const [least = 0, most = 0] = [present[0], present.at(-1)]
  const distinct = present.length
  const total = counts.reduce((a, b) => a + b, 0)
  const low = present.filter((v) => v > 0 && v < most / 4)
  const high = present.filter((v) => v >= most * 0.75)
  const between = present
    .filter((v) => v >= most / 4 && v < most * 0.75)
    .reduce((n, v) => n + counts[v]!, 0)
  const twoEnds = most >= 64 && between <= total * 0.1
  if (twoEnds && (distinct > 16 || (low.length >= 3 && high.length >= 3)))
    return { distinct, least, most, kind: 'soft' }
  // numbers of classes or instances are small and leave most of the picture free
  const numbers = most < 64 && counts[0]! >= total * 0.3
  return { distinct, least, most, kind: distinct > 16 && !numbers ? 'shades' : 'few' }
}

function borderPixels(width: number, height: number): readonly number[] {
  const found: number[] = []
  for (let x = 0; x < width; x++) found.push(x, (height - 1) * width + x)
  for (let y = 0; y < height; y++) found.push(y * width, y * width + width - 1)
  return found
}

function sharesOf(data: Uint8Array, width: number, height: number) {
  const border = borderPixels(width, height)
  return {
    share: data.reduce((a, b) => a + b, 0) / data.length,
    borderShare: border.reduce((n, i) => n + data[i]!, 0) / border.length,
  }
}

/** A mask turned or mirrored as EXIF says that the picture is to be shown. */
export function turned(mask: Mask, orientation: number): Mask {
  if (orientation <= 1 || orientation > 8) return mask
  const { width: w, height: h, data } = mask
  const swap = orientation >= 5
  const [width, height] = swap ? [h, w] : [w, h]
  const out = new Uint8Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [sx, sy] = sourceOf(orientation, x, y, w, h)
      out[y * width + x] = data[sy * w + sx]!
    }
  return { width, height, data: out }
}

/** Where in the stored picture (w×h) the shown pixel (x, y) lies. */
function sourceOf(orientation: number, x: number, y: number, w: number, h: number) {
  const sources = [
    [x, y],
    [w - 1 - x, y],
    [w - 1 - x, h - 1 - y],
    [x, h - 1 - y],
    [y, x],
    [y, h - 1 - x],
    [w - 1 - y, h - 1 - x],
    [w - 1 - y, x],
  ] as const
  return sources[orientation - 1]!
}
