import { median, type Random, type RgbImage } from '@cflow/base'

/** Grey levels that a pixel differs from the border's colour by, at least, to be of the object; and the border's spread. */
const differs = { levels: 16, spreads: 3 } as const
/** Shares of the image that an object may fill: of less or more, nothing is known. */
const fill = { least: 0.02, most: 0.97 } as const
/** Rows and columns of the border, as a share of the shorter side. */
const borderShare = 0.03
/** Pixels that are looked at in each direction, at most. */
const grid = 128

/** Chooses a point where the object is, or anywhere where no object can be told from its background. */
export type Placer = (random: Random) => { readonly x: number; readonly y: number }

/**
 * Where the object is: what differs from the colour of the image's border, where that is one colour. Of textures and of
 * pictures that are filled by their object nothing is told, and every point is as good as another.
 */
export function objectPlacer(image: RgbImage): Placer {
  const known = placers.get(image.data)
  if (known) return known
  const made = placerOf(image)
  placers.set(image.data, made)
  return made
}

/** Of images that defects are made on again and again. */
const placers = new WeakMap<Uint8Array, Placer>()

function placerOf(image: RgbImage): Placer {
  const { width, height } = image
  const points = objectPoints(image)
  const anywhere: Placer = (random) => ({ x: random.integer(width), y: random.integer(height) })
  if (points.length === 0) return anywhere
  const step = stepOf(image)
  return (random) => {
    const at = points[random.integer(points.length)] as number
    const columns = Math.ceil(width / step)
    const jitter = () => random.integer(step)
    return {
      x: Math.min(width - 1, (at % columns) * step + jitter()),
      y: Math.min(height - 1, Math.floor(at / columns) * step + jitter()),
    }
  }
}

const stepOf = ({ width, height }: RgbImage): number =>
  Math.max(1, Math.ceil(Math.max(width, height) / grid))

/** Points of a coarse grid that are of the object; none where no object can be told. */
function objectPoints(image: RgbImage): readonly number[] {
  const { width, height, data } = image
  const step = stepOf(image)
  const edge = Math.max(step, Math.round(borderShare * Math.min(width, height)))
  const border: [number[], number[], number[]] = [[], [], []]
  const columns = Math.ceil(width / step)
  const rows = Math.ceil(height / step)
  for (let y = 0; y < height; y += step)
    for (let x = 0; x < width; x += step) {
      if (x >= edge && y >= edge && x < width - edge && y < height - edge) continue
      for (const c of [0, 1, 2] as const) border[c].push(data[(y * width + x) * 3 + c]!)
    }
  const colour = border.map(median)
  const spread = border.map((values, c) => median(values.map((v) => Math.abs(v - colour[c]!))))
  const limits = spread.map((s) => Math.max(differs.levels, differs.spreads * 1.5 * s))
  // a border of many colours is no background
  if (spread.some((s) => s > differs.levels)) return []
  const points: number[] = []
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = (row * step * width + column * step) * 3
      if (limits.some((limit, c) => Math.abs(data[at + c]! - colour[c]!) > limit))
        points.push(row * columns + column)
    }
  const share = points.length / (rows * columns)
  return share < fill.least || share > fill.most ? [] : points
}
