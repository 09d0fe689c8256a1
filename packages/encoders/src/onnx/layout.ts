import { CflowError } from '@cflow/base'
import { apply, cast, reshape, slice, transpose, type Operator, type Value } from '@cflow/graph'

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

/**
 * Read a layout off a shape. Without `prefixTokens`, tokens have none before them when their number is a square, and one
 * (the class token) when it is a square and one.
 * @param shape of the value for one square image
 * @throws CflowError MODEL when it is no square map
 */
export function layoutOf(name: string, shape: readonly number[], prefixTokens?: number): Layout {
  const [, a = 0, b = 0, c = 0] = shape
  const refused = (what: string, hint: string) =>
    new CflowError('MODEL', `${name} ${what}`, { subject: name, hint })
  if (shape.length === 4 && b === c && b > 0)
    return { kind: 'maps', channels: a, height: b, width: c, prefix: 0 }
  if (shape.length === 4 && a === b && a > 0)
    return { kind: 'channelsLast', channels: c, height: a, width: b, prefix: 0 }
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
      'say how many class and register tokens there are: --prefix-tokens N',
    )
  return { kind: 'tokens', channels: b, height: side, width: side, prefix }
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
