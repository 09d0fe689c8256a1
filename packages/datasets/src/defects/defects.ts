import { CflowError, type Mask, type Random, type RgbImage } from '@cflow/base'
import { blurred, opposed, pasted, stained, textured, type Effect } from './effects.js'
import { objectPlacer } from './foreground.js'
import { blob, rectangle, type Place, type Region } from './regions.js'

/** A kind of made defect: what form it has, and what it does to the pixels. */
interface Kind {
  region(place: Place, random: Random): Region
  readonly effect: Effect
}

const kinds = {
  /** Another part of the image, as a rectangle. */
  patch: { region: (p, r) => rectangle(p, r.uniform(1, 3), false, r), effect: pasted(12) },
  /** The same, long and thin, at any angle. */
  scar: { region: (p, r) => rectangle(p, r.uniform(6, 20), true, r), effect: pasted(45) },
  /** A foreign texture in a form cut from noise. */
  texture: { region: blob, effect: textured },
  /** A part out of focus. */
  blur: { region: blob, effect: blurred },
  /** Lighter, darker, or of another colour. */
  spot: { region: blob, effect: stained },
} as const satisfies Readonly<Record<string, Kind>>

export type DefectKind = keyof typeof kinds
export const defectKinds = Object.keys(kinds) as readonly DefectKind[]

/** Mean change, in grey levels of the channel that changes most, below which a defect is tried again. */
const visible = 10
/** Share of a region's pixels that must have changed. */
const changedShare = 0.7
const tries = 12
/** Pixels of the smallest defect. */
const leastArea = 9

/**
 * A good image with a defect that is made up: as different from what real ones look like as these are from one another, it
 * tells detectors apart that nobody has shown a defect. It lies on the object where that can be told from its background.
 * Where a defect of the kind cannot be seen, such as a blur on a plain surface, it becomes one that can, of the same form.
 * @param size side of the square that has the defect's area, as a share of the image's shorter side
 * @returns the image, and where it differs from the one given; the same for the same state of `random`
 * @throws CflowError USAGE for a size outside (0, 1]
 */
export function withDefect(
  image: RgbImage,
  { kind, size }: { readonly kind: DefectKind; readonly size: number },
  random: Random,
): { readonly image: RgbImage; readonly mask: Mask } {
  if (!(size > 0 && size <= 1))
    throw new CflowError('USAGE', `a defect of size ${size}`, {
      subject: 'size',
      hint: 'it is a share of the image’s shorter side, above 0 and at most 1',
    })
  const { width, height } = image
  const side = size * Math.min(width, height)
  const area = Math.max(Math.min(leastArea, width * height), Math.round(side * side))
  const place = objectPlacer(image)
  const { region, effect }: Kind = kinds[kind]
  for (let i = 0; i < tries; i++) {
    const at = region({ width, height, ...place(random), area }, random)
    const made = applied(image, at, effect, random, i / 4)
    if (made.change >= visible && made.changed >= changedShare * at.pixels.length) return made
  }
  return applied(image, region({ width, height, ...place(random), area }, random), opposed, random, 0) // prettier-ignore
}

function applied(image: RgbImage, region: Region, effect: Effect, random: Random, effort: number) {
  const { width, height } = image
  const colours = effect(image, region, random, effort)
  const data = Uint8Array.from(image.data)
  const mask = new Uint8Array(width * height)
  let [sum, changed] = [0, 0]
  region.pixels.forEach((at, i) => {
    let most = 0
    for (let c = 0; c < 3; c++) {
      const value = Math.round(Math.min(255, Math.max(0, colours[3 * i + c]!)))
      most = Math.max(most, Math.abs(value - data[3 * at + c]!))
      data[3 * at + c] = value
    }
    if (most === 0) return
    mask[at] = 1
    sum += most
    changed++
  })
  return {
    image: { width, height, data },
    mask: { width, height, data: mask },
    change: sum / region.pixels.length,
    changed,
  }
}
