import { CflowError, type Mask, messageOf, ordered, type RgbImage } from '@cflow/base'
import { createHash } from 'node:crypto'
import type { Dataset, Sample } from '../dataset.js'
import { resizeMaskNearest } from '../resize.js'
import { isColour, mixtureWarnings, named } from '../mixture.js'
import { shrunk } from './images.js'

/** Longest side of a small picture. */
const pictureSize = 176

/** Side of the picture that is compared to find images that are nearly the same. */
const compared = 32

/** What there is to know of one image of a data set. */
export interface SurveyedImage {
  readonly sample: Sample
  readonly width: number
  readonly height: number
  /** False where red, green and blue are the same everywhere. */
  readonly colour: boolean
  /** SHA-256 of size and pixels: equal of images that are the same, whatever their files. */
  readonly digest: string
  /** Small, in the shape of the image; only where it was asked for. */
  readonly picture?: RgbImage
  /** The ground truth, of the size of the picture: whatever a pixel touches. */
  readonly mask?: Mask
  /** What is to be said of its mask. */
  readonly remarks: readonly string[]
  /** Lightness, 32×32, for `nearTwins`. */
  readonly lightness: Float32Array
}

/** An image, or a mask, that could not be read. */
export interface Unreadable {
  readonly sample: Sample
  readonly problem: string
}

export interface Survey {
  /** In the order of the samples, those to learn from first. */
  readonly images: readonly SurveyedImage[]
  readonly unreadable: readonly Unreadable[]
}

/**
 * Look at every image and mask of a data set.
 * @param options.pictureOf whether a small picture is kept of a sample; told whether there is something to say of its mask
 * @param options.onProgress called for every image; may throw to end the work
 */
export async function surveyDataset(
  { train, test }: Pick<Dataset, 'train' | 'test'>,
  options: {
    readonly pictureOf: (sample: Sample, remarkable: boolean) => boolean
    readonly onProgress?: (done: number, total: number) => void
  },
): Promise<Survey> {
  const samples = [...train, ...test]
  const images: SurveyedImage[] = []
  const unreadable: Unreadable[] = []
  let done = 0
  for await (const found of ordered(samples, (s) => surveyed(s, options.pictureOf))) {
    if (found.image) images.push(found.image)
    unreadable.push(...found.unreadable)
    options.onProgress?.(++done, samples.length)
  }
  return { images, unreadable }
}

async function surveyed(
  sample: Sample,
  pictureOf: (sample: Sample, remarkable: boolean) => boolean,
) {
  const unreadable: Unreadable[] = []
  const unlessBroken = async <T>(work: () => Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CflowError)) throw error
      unreadable.push({ sample, problem: messageOf(error) })
      return undefined
    }
  }
  const image = await unlessBroken(() => sample.load())
  if (image === undefined) return { unreadable }
  const truth = await unlessBroken(() => sample.loadMask?.())
  const { width, height } = image
  const scale = Math.min(1, pictureSize / Math.max(width, height))
  const size = [width, height].map((n) => Math.max(1, Math.round(n * scale))) as [number, number]
  const remarks = truth?.remarks ?? []
  const picture = pictureOf(sample, remarks.length > 0) ? await shrunk(image, ...size) : undefined
  const digest = createHash('sha256').update(`${width}×${height}`).update(image.data).digest('hex')
  return {
    unreadable,
    image: {
      ...{ sample, width, height, digest, colour: isColour(image) },
      ...(picture && { picture }),
      ...(picture && truth && { mask: touched(truth, picture.width, picture.height) }),
      remarks,
      lightness: lightnessOf(await shrunk(image, compared, compared)),
    } satisfies SurveyedImage,
  }
}

/** A mask made smaller so that nothing of it vanishes, or larger by the nearest pixel. */
function touched(mask: Mask, width: number, height: number): Mask {
  const out = resizeMaskNearest(mask, width, height).data
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue
    const x = i % mask.width
    const y = (i - x) / mask.width
    const row = Math.floor((y * height) / mask.height)
    out[row * width + Math.floor((x * width) / mask.width)] = 1
  }
  return { width, height, data: out }
}

const lightnessOf = ({ data }: RgbImage): Float32Array =>
  Float32Array.from(
    { length: data.length / 3 },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  )

/** Groups of images that are the same to the pixel. */
function twins(images: readonly SurveyedImage[]): readonly (readonly SurveyedImage[])[] {
  const groups = new Map<string, SurveyedImage[]>()
  for (const image of images) groups.set(image.digest, [...(groups.get(image.digest) ?? []), image])
  return [...groups.values()].filter((group) => group.length > 1)
}

/** Share of an image's contrast by which two differ on average, below which they are nearly the same. */
const nearly = 0.04

/**
 * Groups of images that are nearly the same although not to the pixel, as frames of a burst are: at 32×32 pixels they differ
 * by less than a 25th of their contrast.
 */
function nearTwins(images: readonly SurveyedImage[]): readonly (readonly SurveyedImage[])[] {
  const measured = images
    .map((image) => ({ image, ...momentsOf(image.lightness) }))
    .filter(({ deviation }) => deviation > 2)
    .sort((a, b) => a.mean - b.mean)
  const groupOf = new Map<SurveyedImage, SurveyedImage[]>()
  measured.forEach(({ image, mean, deviation }, i) => {
    const most = nearly * deviation
    for (let j = i + 1; j < measured.length && measured[j]!.mean - mean < most; j++) {
      const other = measured[j]!.image
      if (image.digest === other.digest || !differLess(image.lightness, other.lightness, most))
        continue
      const merged = [...new Set([...(groupOf.get(image) ?? [image]), ...(groupOf.get(other) ?? [other])])] // prettier-ignore
      for (const member of merged) groupOf.set(member, merged)
    }
  })
  const order = new Map(images.map((image, i) => [image, i]))
  return [...new Set(groupOf.values())].map((group) =>
    group.toSorted((a, b) => order.get(a)! - order.get(b)!),
  )
}

function momentsOf(values: Float32Array) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
  return { mean, deviation: Math.sqrt(variance) }
}

/** Whether two pictures differ by less than so much on average. */
function differLess(a: Float32Array, b: Float32Array, most: number): boolean {
  let left = most * a.length
  for (let i = 0; i < a.length && left > 0; i++) left -= Math.abs(a[i]! - b[i]!)
  return left > 0
}

/** What may be wrong with the images of a data set, a sentence each. */
export function surveyWarnings({ images, unreadable }: Survey): readonly string[] {
  return [
    ...unreadable.map(({ problem }) => `cannot be read: ${problem}`),
    ...mixtureWarnings(images.map((image) => ({ ...image, id: idOf(image) }))),
    ...twinWarnings(images),
    ...remarkWarnings(images),
  ]
}

const idOf = ({ sample }: SurveyedImage): string => sample.id

function twinWarnings(images: readonly SurveyedImage[]): readonly string[] {
  const texts: string[] = []
  const same = twins(images)
  const apart = (groups: readonly (readonly SurveyedImage[])[]) =>
    groups.filter((group) => new Set(group.map(({ sample }) => sample.split)).size > 1)
  const tell = (groups: readonly (readonly SurveyedImage[])[], what: string, advice: string) => {
    if (groups.length === 0) return
    const extra = groups.reduce((n, group) => n + group.length - 1, 0)
    texts.push(`${extra} ${extra === 1 ? 'image is' : 'images are'} ${what} another, such as ${named(groups[0]!.map(idOf))}${advice}`) // prettier-ignore
    const mixed = apart(groups)
    if (mixed.length > 0)
      texts.push(`${mixed.length} of them both learned from and judged by, such as ${named(mixed[0]!.map(idOf))}: results look better than they are`) // prettier-ignore
  }
  tell(same, 'the same as', ': copies tell nothing new, and spoil the threshold')
  tell(nearTwins(images), 'nearly the same as', ': frames of a burst count as one image')
  const labels = same.find((group) => new Set(group.map(({ sample }) => sample.label)).size > 1)
  if (labels) texts.push(`${named(labels.map(idOf))} are the same image, once good and once not`)
  return texts
}

function remarkWarnings(images: readonly SurveyedImage[]): readonly string[] {
  const byText = new Map<string, SurveyedImage[]>()
  for (const image of images)
    for (const text of image.remarks) byText.set(text, [...(byText.get(text) ?? []), image])
  return [...byText].map(([text, group]) => `the mask of ${named(group.map(idOf))} ${text}`)
}
