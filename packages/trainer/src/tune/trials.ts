import { paddedExtent } from '@cflow/core'
import { Random, type Mask, type RgbImage } from '@cflow/base'
import { defectKinds, withDefect, type DefectKind, type Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { imageResizer, type Square } from '../feature-cache.js'

/** Sides of the made defects' areas as shares of the image's shorter side, in turn. */
const sizes = [0.02, 0.04, 0.08, 0.16] as const
/** Defects of each kind that are made at least: of few images, several on each. */
const least = 12
/** Side of the maps and masks that are compared, of every candidate the same. */
export const comparedSide = 128
/** Longest side that images are worked on with: larger ones are made so large. */
const longest = 1024
/** Bytes of resized images that are kept. */
const keptBytes = 512 * 2 ** 20

/** An image that a candidate is tried on. */
export interface Trial {
  readonly defect: DefectKind | 'good'
  /** Which of the good images it shows, in the order that was asked for. */
  readonly of: number
  /** S×S. */
  readonly image: RgbImage
  /** `comparedSide`², set wherever a pixel of the defect falls; absent of good images. */
  readonly mask?: Mask
}

/** The images of a tuning, in the sizes that candidates ask for, made once as far as they fit in memory. */
export interface Images {
  /** The good images as squares. */
  samples(indices: readonly number[], square: Square): readonly Sample[]
  /** Good images, each untouched and with defects of every kind. */
  trials(indices: readonly number[], square: Square): AsyncGenerator<Trial>
}

/** Trials of so many good images. */
export const trialCount = (images: number): number =>
  images * (1 + defectKinds.length * repeats(images))

const repeats = (images: number): number => Math.max(1, Math.ceil(least / images))

export function tuneImages(runtime: Runtime, samples: readonly Sample[], seed: number): Images {
  let bytes = 0
  const kept = new Map<string, unknown>()
  /** What is made once, unless too much is kept already. */
  const once = async <T>(key: string, make: () => Promise<T>, size: (made: T) => number) => {
    if (kept.has(key)) return kept.get(key) as T
    const made = await make()
    if (bytes + size(made) > keptBytes) return made
    bytes += size(made)
    kept.set(key, made)
    return made
  }
  const resizers = new Map<string, ReturnType<typeof imageResizer>>()
  const resized = async (image: RgbImage, square: Square): Promise<RgbImage> => {
    const { inputSize: size } = square
    const resizer = resizers.get(keyOf(square)) ?? imageResizer(runtime, square)
    resizers.set(keyOf(square), resizer)
    return { width: size, height: size, data: await (await resizer)(image) }
  }
  /** As large as the largest that are made defective, in their own proportions. */
  const smaller = async (image: RgbImage): Promise<RgbImage> => {
    const { x, y } = paddedExtent(image, longest)
    const data = await resized(image, { inputSize: longest, resize: 'pad' })
    return cropped(data, { left: x.before, top: y.before, width: x.length, height: y.length })
  }
  const read = async (index: number): Promise<RgbImage> => {
    const image = await samples[index]!.load()
    return Math.max(image.width, image.height) > longest ? smaller(image) : image
  }
  // all that is made of an image is made in a row: the last one is enough
  let last: { readonly index: number; readonly image: Promise<RgbImage> } | undefined
  const original = (index: number): Promise<RgbImage> => {
    if (last?.index !== index) last = { index, image: read(index) }
    return last.image
  }
  const good = (index: number, square: Square) =>
    once(
      `${keyOf(square)} ${index}`,
      async () => resized(await original(index), square),
      (image) => image.data.length,
    )
  const defective = (index: number, number: number, repeat: number, square: Square) =>
    once(
      `${keyOf(square)} ${index} ${number} ${repeat}`,
      async (): Promise<Omit<Trial, 'of'>> => {
        const kind = defectKinds[number]!
        const random = Random.seeded(seed, `tune ${samples[index]!.id} ${kind} ${repeat}`)
        const turn = (index + number + repeat) % sizes.length
        const made = withDefect(await original(index), { kind, size: sizes[turn]! }, random)
        const image = await resized(made.image, square)
        return { defect: kind, image, mask: shrunk(made.mask, square) }
      },
      ({ image }) => image.data.length + comparedSide ** 2,
    )
  return {
    samples: (indices, square) =>
      indices.map((index) => ({ ...samples[index]!, load: () => good(index, square) })),
    async *trials(indices, square) {
      for (const [of, index] of indices.entries()) {
        yield { defect: 'good', of, image: await good(index, square) }
        for (let repeat = 0; repeat < repeats(indices.length); repeat++)
          for (const number of defectKinds.keys())
            yield { ...(await defective(index, number, repeat, square)), of }
      }
    },
  }
}

const keyOf = ({ inputSize, resize = 'stretch' }: Square): string => `${inputSize} ${resize}`

/** A mask at the size of comparison, where the image lies on its square: no defect vanishes, however small. */
function shrunk(mask: Mask, { resize }: Square): Mask {
  const { width, height, data } = mask
  const side = comparedSide
  const whole = { before: 0, length: side }
  const { x: across, y: down } = resize === 'pad' ? paddedExtent(mask, side) : { x: whole, y: whole } // prettier-ignore
  const out = new Uint8Array(side * side)
  // where the mask is the smaller one, every pixel of the larger takes the one it lies in
  if (width < across.length || height < down.length) {
    for (let y = 0; y < down.length; y++)
      for (let x = 0; x < across.length; x++) {
        const row = Math.floor((y * height) / down.length)
        const from = row * width + Math.floor((x * width) / across.length)
        out[(down.before + y) * side + across.before + x] = data[from]!
      }
    return { width: side, height: side, data: out }
  }
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue
    const x = i % width
    const y = (i - x) / width
    const row = down.before + Math.floor((y * down.length) / height)
    out[row * side + across.before + Math.floor((x * across.length) / width)] = 1
  }
  return { width: side, height: side, data: out }
}

/** A part of an image. */
function cropped(
  image: RgbImage,
  { left, top, width, height }: Readonly<Record<'left' | 'top' | 'width' | 'height', number>>,
): RgbImage {
  const data = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * image.width + left)
    data.set(image.data.subarray(from, from + 3 * width), 3 * y * width)
  }
  return { width, height, data }
}
