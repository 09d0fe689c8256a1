import { median, type RgbImage } from '@cflow/base'

/** What of an image shows whether it goes together with others. */
export interface ImageFacts {
  readonly id: string
  readonly width: number
  readonly height: number
  /** False where red, green and blue are the same everywhere. */
  readonly colour: boolean
}

/**
 * What of images does not go together, a sentence each: shapes, sizes, and grey among colour.
 * @param inputSize to which they are made smaller, in pixels
 */
export const mixtureWarnings = (
  images: readonly ImageFacts[],
  inputSize = 256,
): readonly string[] => [...shapeWarnings(images, inputSize), ...colourWarnings(images)]

/** Whether red, green and blue differ anywhere by more than a decoder's rounding. */
export function isColour({ data }: RgbImage): boolean {
  for (let i = 0; i < data.length; i += 3)
    if (Math.abs(data[i]! - data[i + 1]!) > 8 || Math.abs(data[i]! - data[i + 2]!) > 8) return true
  return false
}

/** `a.png, b.png and 7 more` */
export function named(ids: readonly string[]): string {
  const [first = '', second] = ids
  if (second === undefined) return first
  return ids.length === 2
    ? `${first} and ${second}`
    : `${first}, ${second} and ${ids.length - 2} more`
}

const sized = ({ width, height }: { width: number; height: number }): string => `${width}×${height}`

/** Shapes and sizes that do not go together: all images become squares of one size. */
function shapeWarnings(images: readonly ImageFacts[], inputSize: number): readonly string[] {
  if (images.length === 0) return []
  const side = (i: ImageFacts) => Math.sqrt(i.width * i.height)
  const usual = {
    shape: median(images.map((i) => Math.log(i.width / i.height))),
    side: median(images.map(side)),
  }
  const typical = images.toSorted(
    (a, b) => Math.abs(side(a) - usual.side) - Math.abs(side(b) - usual.side),
  )[0]!
  const most = sized(typical)
  const tiny = images.filter((i) => Math.min(i.width, i.height) < 32)
  const fine = images.filter((i) => !tiny.includes(i))
  const bent = fine.filter(
    (i) => Math.abs(Math.log(i.width / i.height) - usual.shape) > Math.log(1.5),
  )
  const large = fine.filter((i) => side(i) >= 4 * usual.side)
  const small = fine.filter((i) => side(i) <= usual.side / 4)
  const texts: string[] = []
  const add = (group: readonly ImageFacts[], text: (first: ImageFacts) => string) => {
    if (group.length > 0) texts.push(`${named(group.map((i) => i.id))}: ${text(group[0]!)}`)
  }
  add(tiny, (i) => `only ${sized(i)} pixels, too small to show anything`)
  add(bent, (i) => `${sized(i)}, another shape than most (${most}): all become squares, and these are bent differently`) // prettier-ignore
  add(large, (i) => `${sized(i)}, much larger than most (${most}): what is seen has another scale`)
  add(small, (i) => `${sized(i)}, much smaller than most (${most}): what is seen has another scale`)
  const reduced = usual.side / inputSize
  if (reduced >= 8)
    texts.push(
      `images of ${most} are reduced ${Math.round(reduced)}-fold at the input size of ${inputSize}: a defect below ${Math.round(reduced)} pixels is less than one`,
    )
  return texts
}

function colourWarnings(images: readonly ImageFacts[]): readonly string[] {
  const grey = images.filter((i) => !i.colour)
  const colour = images.filter((i) => i.colour)
  if (grey.length === 0 || colour.length === 0) return []
  const fewer = grey.length <= colour.length ? grey : colour
  return fewer === grey
    ? [`${named(grey.map((i) => i.id))}: grey, where most are in colour`]
    : [`${named(colour.map((i) => i.id))}: in colour, where most are grey`]
}
