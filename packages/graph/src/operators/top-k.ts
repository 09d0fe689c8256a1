import { applyAll, attribute } from '../operator.js'
import { constantOf, int64s, shapeError, shapeText, type Operator, type Value } from '../value.js'
import { axisIn } from './movement.js'

/** The k largest or smallest elements along an axis, and their indices there. For inference only. */
export const TopK: Operator = {
  type: 'TopK',
  infer: (inputs, attributes) => {
    const [x, k] = inputs as readonly [Value, Value?]
    const axis = axisIn(x, attributes, -1)
    const count = Number(constantOf(k, 'the k of TopK').data[0])
    const size = x.shape[axis]
    if (!(count >= 1) || (typeof size === 'number' && count > size))
      throw shapeError(`axis ${axis} of ${shapeText(x.shape)} has no ${count} elements`) // prettier-ignore
    const shape = x.shape.with(axis, count)
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ]
  },
}

/**
 * The k largest elements along an axis, or the smallest, sorted so that the best comes first; of equal ones the one with
 * the lower index.
 * @returns values of x's type and their indices along the axis, int64; both of x's shape but for k in place of the axis
 * @throws CflowError SHAPE when the axis is known to have fewer than k elements
 */
export function topK(
  x: Value,
  k: number,
  axis: number,
  { largest = true }: { readonly largest?: boolean } = {},
): readonly [values: Value, indices: Value] {
  return applyAll(TopK, [x, int64s([k])], {
    axis: attribute.int(axis),
    largest: attribute.int(largest ? 1 : 0),
    sorted: attribute.int(1),
  }) as unknown as readonly [Value, Value]
}
