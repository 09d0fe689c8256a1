import { CflowError, type Mask, ordered } from '@cflow/base'
import type { TruthMask } from '../dataset.js'
import { resizeMaskNearest } from '../resize.js'
import { headerOf } from './images.js'
import {
  type MaskReading,
  type Polarity,
  readMaskFile,
  remarksOfShare,
  type StoredMask,
  turned,
  understand,
} from './mask-file.js'

/** What holds for all masks of a set. */
export interface MaskRules {
  /** Which of their pixels are the defect; where it is absent, those that are not black. */
  readonly polarity?: Polarity | undefined
  /** Whether masks without an orientation of their own were drawn on the image as it is shown, or as it is stored. */
  readonly orientation?: 'shown' | 'stored' | undefined
}

/** Masks that are decoded to find out what all of them have in common. */
const looks = 64

/** How an image lies: its size as shown, and the orientation in EXIF that makes it so, 1 to 8. */
interface Lie {
  readonly width: number
  readonly height: number
  readonly orientation: number
}

async function lieOf(path: string): Promise<Lie> {
  const { autoOrient, orientation = 1 } = await headerOf(path)
  return { width: autoOrient.width, height: autoOrient.height, orientation }
}

/**
 * The ground truth of a defective image: what any of its masks marks, at the image's size, turned as the image is.
 * @throws CflowError MASK for a mask that does not fit or is none; as `decodeImage`
 */
export async function maskOf(
  imagePath: string,
  maskPaths: readonly string[],
  rules: MaskRules,
): Promise<TruthMask> {
  const image = await lieOf(imagePath)
  const { width, height } = image
  const data = new Uint8Array(width * height)
  const remarks = new Set<string>()
  for (const path of maskPaths) {
    const stored = await readMaskFile(path)
    const read = understand(stored, rules.polarity)
    const own = { ...read.mask, orientation: stored.orientation }
    const how = orientationOf(image, own, path, imagePath, rules.orientation)
    for (const remark of [...read.remarks, ...how.remarks]) remarks.add(remark)
    const lies = turned(read.mask, how.turn)
    const fits = lies.width === width && lies.height === height
    const whole = fits ? lies : resizeMaskNearest(lies, width, height)
    for (let i = 0; i < data.length; i++) if (whole.data[i] !== 0) data[i] = 1
  }
  for (const remark of remarksOfShare(data.reduce((a, b) => a + b, 0) / data.length))
    remarks.add(remark)
  return { width, height, data, ...(remarks.size > 0 && { remarks: [...remarks] }) }
}

/**
 * A mask that has its image's size.
 * @throws CflowError MASK where it has another
 */
export async function fitting(mask: Mask, maskPath: string, imagePath: string): Promise<Mask> {
  const { width, height } = await lieOf(imagePath)
  if (mask.width === width && mask.height === height) return mask
  throw otherSize(mask, maskPath, { width, height }, imagePath)
}

type Size = Pick<Lie, 'width' | 'height'>

function otherSize(mask: Size, maskPath: string, image: Size, imagePath: string): CflowError {
  return new CflowError(
    'MASK',
    `the mask has ${mask.width}×${mask.height} pixels and its image ${imagePath} ${image.width}×${image.height}`,
    { subject: maskPath, hint: 'Resize the mask (nearest neighbour) to the size of its image.' },
  )
}

/** Whether two sizes are of one shape: the same, or one is the other enlarged. */
const sameShape = (a: Size, b: Size): boolean =>
  Math.abs(a.width * b.height - a.height * b.width) <= 0.01 * a.width * b.height

const flipped = ({ width, height }: Size): Size => ({ width: height, height: width })

/**
 * How a mask is to be turned to lie as its image does.
 * @param mask its size as stored, and its own orientation
 * @param rule of masks that could have been drawn on the image as shown or as stored
 * @throws CflowError MASK where its size fits neither, or both and no rule is given
 */
function orientationOf(
  image: Lie,
  mask: Lie,
  maskPath: string,
  imagePath: string,
  rule: MaskRules['orientation'],
): { readonly turn: number; readonly remarks: readonly string[] } {
  const ways = waysOf(image, mask)
  const sized = { ...(mask.orientation >= 5 ? flipped(mask) : mask) }
  const [way] = ways
  if (way === undefined) throw otherSize(sized, maskPath, image, imagePath)
  const chosen = ways.length === 1 ? way : ways.find(({ how }) => how === rule)
  if (chosen === undefined) throw unclearOrientation(maskPath, imagePath, image.orientation, 1)
  const exact = ways.some(({ size }) => size.width === image.width && size.height === image.height)
  return {
    turn: chosen.turn,
    remarks: [
      ...(chosen.how === 'stored' && image.orientation !== 1
        ? ['was drawn on the image as it is stored, and is turned with it']
        : []),
      ...(exact ? [] : ['has another size than its image and is stretched to it']),
    ],
  }
}

/** The ways in which a mask can lie on its image, by their shapes. */
function waysOf(image: Lie, mask: Lie) {
  const shown = (turn: number): Size => (turn >= 5 ? flipped(mask) : mask)
  const way = (how: 'shown' | 'stored', turn: number) => ({ how, turn, size: shown(turn) })
  const all =
    image.orientation === 1 || mask.orientation !== 1
      ? [way('shown', mask.orientation)]
      : [way('shown', 1), way('stored', image.orientation)]
  const fitting = all.filter(({ size }) => sameShape(size, image))
  if (fitting.length > 0 || mask.orientation === 1) return fitting
  // an orientation of the mask that its image does not share was left over by a program
  return [way('stored', 1)].filter(({ size }) => sameShape(size, image))
}

function unclearOrientation(
  maskPath: string,
  imagePath: string,
  orientation: number,
  count: number,
): CflowError {
  const others = count > 1 ? ` (and ${count - 1} more)` : ''
  return new CflowError(
    'MASK',
    `${imagePath}${others} is turned by its EXIF orientation ${orientation}, its mask says nothing of that, and the sizes fit both ways`,
    {
      subject: maskPath,
      hint: 'If masks were drawn on the images as programs show them: --mask-orientation shown. If on the pixels as they are stored: --mask-orientation stored.',
    },
  )
}

/** An image and its masks, as paths. */
export interface MaskedImage {
  readonly path: string
  readonly maskPaths: readonly string[]
}

/**
 * Which pixels of the masks of a set are the defect. Masks whose defect is dark on a light ground are told by all of them
 * being light at their border and over more than half of the picture.
 */
export async function polarityOf(maskPaths: readonly string[]): Promise<Polarity | undefined> {
  const step = Math.max(1, Math.ceil(maskPaths.length / looks))
  const some = maskPaths.filter((_, i) => i % step === 0)
  let inverted = 0
  const all = ordered(some, (path) => readMaskFile(path).catch(() => undefined))
  for await (const stored of all) {
    // what cannot be read, or is no mask, is told of when it is needed
    const light = stored && shareOf(stored, 'light')
    if (!stored || !light || light.share === 0 || light.share === 1) continue
    if (light.share <= 0.5 || light.borderShare <= 0.9) return undefined
    if ((shareOf(stored, 'dark')?.share ?? 0) > 0) inverted++
  }
  return inverted > 0 ? 'dark' : undefined
}

function shareOf(stored: StoredMask, polarity: Polarity): MaskReading | undefined {
  try {
    return understand(stored, polarity)
  } catch {
    return undefined
  }
}

/**
 * Look at the headers of images and masks before any work is done.
 * @param rule what the user says of their orientation
 * @returns the orientation that holds for masks that could be either
 * @throws CflowError MASK for a mask of another shape than its image, or that could lie in two ways with nothing to tell
 */
export async function checkMasks(
  images: readonly MaskedImage[],
  rule: MaskRules['orientation'],
): Promise<MaskRules['orientation']> {
  const told = new Set<'shown' | 'stored'>()
  const unclear: { image: string; mask: string; orientation: number }[] = []
  const headers = ordered(images, async ({ path, maskPaths }) => {
    // an image that is damaged is told of when it is needed
    const image = await lieOf(path).catch(() => undefined)
    if (image === undefined) return
    for (const maskPath of maskPaths) {
      const { width, height, orientation = 1 } = await headerOf(maskPath)
      const mask = { width, height, orientation }
      const ways = waysOf(image, mask)
      if (ways.length === 0)
        throw otherSize(orientation >= 5 ? flipped(mask) : mask, maskPath, image, path)
      if (ways.length > 1)
        unclear.push({ image: path, mask: maskPath, orientation: image.orientation })
      else if (image.orientation !== 1 && orientation === 1) told.add(ways[0]!.how)
    }
  })
  const all = headers[Symbol.asyncIterator]()
  while (!(await all.next()).done);
  if (rule !== undefined || unclear.length === 0) return rule
  if (told.size === 1) return [...told][0]
  const { image, mask, orientation } = unclear[0]!
  throw unclearOrientation(mask, image, orientation, unclear.length)
}
