import { CflowError } from '@cflow/base'
import { apply, cast, reshape, slice, transpose, type Operator, type Value } from '@cflow/graph'
import type { Corners } from './trial-images.js'

/** How a tapped value holds a feature map. */
export interface Layout {
  /**
   * - `maps`: [N, C, h, w]
   * - `channelsLast`: [N, h, w, C]
   * - `tokens`: [N, prefix + h·w, C], a transformer's, the class token and registers first
   */
  readonly kind: 'maps' | 'channelsLast' | 'tokens'
  readonly channels: number
  readonly height: number
  readonly width: number
  /** Tokens before those of the image. */
  readonly prefix: number
}

/** What helps to read a layout. */
export interface LayoutHints {
  /** Tokens before those of the image. */
  readonly prefixTokens?: number | undefined
  /** What changes in the value when corners of the image do. */
  readonly corners?: Corners
}

/**
 * Read a layout off a shape. Without `prefixTokens`, tokens have none before them when their number is a square, and one
 * (the class token) when it is a square and one. Where channels could come first or last, and to see whether it is a map
 * at all, it counts where the value changes when a corner of the image does.
 * @param shape of the value for one square image
 * @throws CflowError MODEL when it is no square map
 */
export function layoutOf(
  name: string,
  shape: readonly number[],
  { prefixTokens, corners }: LayoutHints = {},
): Layout {
  const [images, a = 0, b = 0, c = 0] = shape
  const refused = (what: string, hint: string) =>
    new CflowError('MODEL', `${name} ${what}`, { subject: name, hint })
  if (images !== 1 && (shape.length === 3 || shape.length === 4))
    throw refused(
      `is [${shape.join(', ')}] for one image: parts of it, such as the windows of a Swin transformer, and no map`,
      'tap the output of a block, or what the model gives',
    )
  const located = (layout: Layout): Layout => {
    if (corners && isMisplaced(placeOf(layout, corners)))
      throw refused(
        `is no map of the image: it does not change where the image does`,
        layout.kind === 'tokens'
          ? `say how many class and register tokens there are${suggestion(shape, corners)}`
          : 'tap the output of a block',
      )
    return layout
  }
  const first: Layout = { kind: 'maps', channels: a, height: b, width: c, prefix: 0 }
  const last: Layout = { kind: 'channelsLast', channels: c, height: a, width: b, prefix: 0 }
  if (shape.length === 4 && a > 0 && a === b && b === c && corners) {
    const [asFirst = 0, asLast = 0] = [first, last].map((l) => sharpness(placeOf(l, corners)))
    if (Math.abs(asFirst - asLast) < leastDifference)
      throw refused(
        `is [${shape.join(', ')}], and its channels could be first or last`,
        'use another --input-size, at which it has not as many channels as rows',
      )
    return located(asLast > asFirst ? last : first)
  }
  if (shape.length === 4 && b === c && b > 0) return located(first)
  if (shape.length === 4 && a === b && a > 0) return located(last)
  if (shape.length !== 3)
    throw refused(
      `is [${shape.join(', ')}], neither a square feature map nor tokens`,
      'tap values of the form [N, C, h, w], [N, h, w, C] or [N, tokens, C]',
    )
  const prefix = prefixTokens ?? (isSquare(a) ? 0 : 1)
  const side = Math.sqrt(a - prefix)
  if (!(side > 0) || !Number.isInteger(side))
    throw refused(
      `holds ${a} tokens: without ${prefix} before them they are no square grid`,
      `say how many class and register tokens there are${suggestion(shape, corners)}`,
    )
  return located({ kind: 'tokens', channels: b, height: side, width: side, prefix })
}

/** By how much one layout must fit what changes in a value better than another one. */
const leastDifference = 0.03

const suggestion = (shape: readonly number[], corners: Corners | undefined): string => {
  const prefix = likelyPrefix(shape, corners)
  if (prefix === undefined) return ': --prefix-tokens N'
  const side = Math.sqrt((shape[1] ?? 0) - prefix)
  return `: --prefix-tokens ${prefix} leaves ${side}×${side}`
}

const maxPrefix = 64

/**
 * How many tokens probably stand before those of the image: so many that the rest are a square, and change where the
 * image does.
 */
export function likelyPrefix(
  [images, tokens = 0, channels = 0, ...more]: readonly number[],
  corners?: Corners,
): number | undefined {
  if (images !== 1 || channels === 0 || more.length > 0) return undefined
  const sides = Array.from({ length: Math.floor(Math.sqrt(tokens)) }, (_, i) => i + 1)
  const grids = sides
    .map((side) => ({ side, prefix: tokens - side * side }))
    .filter(({ side, prefix }) => side > 1 && prefix <= maxPrefix)
    .reverse()
  const scores = grids.map(({ side, prefix }) => {
    const layout: Layout = { kind: 'tokens', channels, height: side, width: side, prefix }
    return corners ? sharpness(placeOf(layout, corners)) : 0
  })
  // the largest grid, unless another one is clearly better
  const best = scores.reduce((k, score, i) => (score > (scores[k] as number) + 0.05 ? i : k), 0)
  return grids[best]?.prefix
}

/** How far what changes moves along each axis, from corner to corner, as a share of the map; two thirds at most. */
interface Place {
  readonly down: number
  readonly right: number
}

function placeOf(layout: Layout, { topRight, bottomLeft }: Corners): Place {
  const [high, low] = [topRight, bottomLeft].map((energy) => centreOf(layout, energy)) as [
    Place,
    Place,
  ]
  return { down: low.down - high.down, right: high.right - low.right }
}

/** Centre of what changes. */
function centreOf(layout: Layout, energy: Float64Array): Place {
  const { kind, channels, height, width, prefix } = layout
  let [sum, down, right] = [0, 0, 0]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const at = kind === 'maps' ? (c * height + y) * width + x : (prefix + y * width + x) * channels + c // prettier-ignore
        const e = energy[at] as number
        sum += e
        down += e * y
        right += e * x
      }
  return sum === 0 ? { down: 0, right: 0 } : { down: down / sum / height, right: right / sum / width } // prettier-ignore
}

const sharpness = ({ down, right }: Place): number => Math.min(down, right)

/** Whether a change moves clearly, but elsewhere than the image's. */
function isMisplaced({ down, right }: Place): boolean {
  const [less, more] = [Math.min(down, right), Math.max(down, right)]
  return less < -0.1 || (more > 0.2 && less < 0.25 * more)
}

/** What a layout takes for granted, where the shape leaves it open. */
export function assumptionOf(
  { kind, prefix }: Layout,
  [, a, b, c]: readonly number[],
  prefixTokens: number | undefined,
): string | undefined {
  if (kind === 'tokens' && prefixTokens === undefined)
    return prefix === 0 ? 'all tokens are the image’s' : 'without the class token before them'
  const open = kind !== 'tokens' && a === b && b === c
  return open ? `channels ${kind === 'maps' ? 'first' : 'last'}, by what it shows` : undefined
}

const isSquare = (n: number): boolean => Number.isInteger(Math.sqrt(n))

/** A tapped value as a map float32 [N, C, h, w]. */
export function asMap(
  value: Value,
  layout: Layout,
  batch: Value['shape'][number],
  dtype: Value['dtype'],
): Value {
  const { kind, channels, height, width, prefix } = layout
  // operators that are not known leave open which type their values are
  const typed = (v: Value, ...shape: Value['shape']): Value => {
    const same: Operator = { type: 'Identity', infer: () => [{ dtype, shape: [batch, ...shape] }] }
    return apply(same, [v])
  }
  const wide = (v: Value) => cast(v, 'float32')
  if (kind === 'maps') return wide(typed(value, channels, height, width))
  if (kind === 'channelsLast')
    return wide(transpose(typed(value, height, width, channels), [0, 3, 1, 2]))
  const tokens = typed(value, prefix + height * width, channels)
  const image = prefix > 0 ? slice(tokens, [1], [prefix], [prefix + height * width]) : tokens
  const planes = reshape(transpose(image, [0, 2, 1]), [-1, channels, height, width])
  return wide(typed(planes, channels, height, width))
}
