import { tensor, type DType } from '@cflow/base'
import { apply, attribute, infers, type One } from '../operator.js'
import { axisOf } from '../shapes.js'
import {
  constant,
  constantOf,
  int64s,
  integersOf,
  scalar,
  shapeError,
  staticShape,
  type Dim,
  type Operator,
  type Value,
} from '../value.js'
import { equal } from './logic.js'
import { matMul } from './matrix.js'
import { axisIn, cast, inverse, reshape, reshapeTo, shapeOf, transpose } from './movement.js'

/** Rows or columns by index. The gradient of a permutation is the inverse permutation; of anything else, a product
 * with the one-hot matrix of the indices. */
export const Gather: Operator = {
  type: 'Gather',
  infer: infers((x, inputs, attributes) => {
    const axis = axisIn(x, attributes)
    const index = inputs[1] as Value
    return [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]
  }),
  gradient: ({ inputs, attributes }, [g]: One) => {
    const [x, index] = inputs as readonly [Value, Value]
    const axis = axisIn(x, attributes)
    const size = x.shape[axis]
    if (typeof size !== 'number')
      throw shapeError('the gradient of Gather needs an axis of known size')
    if (index.node.kind === 'constant' && isPermutation(index, size))
      return [gather(g, int64s(inverse(integersOf(index, 'index'))), axis)]
    if (index.shape.length !== 1)
      throw shapeError('the gradient of Gather needs a one-dimensional index')
    const toFront = [axis, ...x.shape.keys()].filter((a, i) => i === 0 || a !== axis)
    const rows = reshape(transpose(g, toFront), [...staticShape(index, 'the index of Gather'), -1])
    const d = matMul(oneHotRows(index, size, g.dtype), rows)
    const shape = toFront.map((i) => x.shape[i] as Dim)
    return [transpose(reshapeTo(d, shape), inverse(toFront))]
  },
}

function isPermutation(index: Value, size: number): boolean {
  const order = integersOf(index, 'index')
  return index.shape.length === 1 && order.length === size && new Set(order).size === size
}

/** [size, n] matrix whose column j has a 1 in row index[j]. */
function oneHotRows(index: Value, size: number, dtype: DType): Value {
  const numbers = Int32Array.from({ length: size }, (_, i) => i)
  const rows = cast(constant(tensor('int32', [size, 1], numbers)), index.dtype)
  return cast(equal(rows, reshape(index, [1, -1])), dtype)
}

/** 0, 1, … up to the limit (exclusive), int64 or float. */
export const Range: Operator = {
  type: 'Range',
  infer: infers((_, inputs) => {
    if (inputs.some((v) => v?.node.kind !== 'constant')) return [null]
    const [start, limit, delta] = inputs.map((v) => Number(constantOf(v, 'range').data[0]))
    const count = ((limit as number) - (start as number)) / (delta as number)
    return [Math.max(Math.ceil(count), 0)]
  }),
}

export const gather = (x: Value, index: Value, axis: number): Value =>
  apply(Gather, [x, index], { axis: attribute.int(axis) })

/** Size of one axis at run time, an int64 scalar. */
export const sizeOfAxis = (x: Value, axis: number): Value =>
  gather(shapeOf(x), scalar(axisOf(axis, x.shape.length), 'int64'), 0)

/** 0, 1, … n−1 for an int64 or float scalar n. */
export const range = (n: Value): Value => apply(Range, [scalar(0, n.dtype), n, scalar(1, n.dtype)])
