import { CflowError, tensor } from '@cflow/base'
import type { DType } from '@cflow/base'
import { apply, applyAll, attribute, intAttribute } from '../operator.js'
import type { Operator } from '../operator.js'
import { axisOf } from '../shapes.js'
import { constant, constantOf, int64s, integersOf, scalar, staticShape } from '../value.js'
import type { Dim, Value } from '../value.js'
import { equal } from './logic.js'
import { matMul } from './matrix.js'
import { cast, reshape, reshapeTo, shapeOf, transpose } from './movement.js'

const first = (inputs: readonly (Value | undefined)[]) => inputs[0] as Value

/** Rows or columns by index. The gradient of a permutation is the inverse permutation; of anything else, a product
 * with the one-hot matrix of the indices. */
export const Gather: Operator = {
  type: 'Gather',
  infer: (inputs, attributes) => {
    const x = first(inputs)
    const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length)
    const index = inputs[1] as Value
    return [
      {
        dtype: x.dtype,
        shape: [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)],
      },
    ]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const x = first(node.inputs)
    const index = node.inputs[1] as Value
    const axis = axisOf(intAttribute(node.attributes, 'axis', 0), x.shape.length)
    const size = x.shape[axis]
    if (typeof size !== 'number')
      throw new CflowError('SHAPE', 'the gradient of Gather needs an axis of known size')
    const inverse = index.node.kind === 'constant' && inversePermutation(index, size)
    if (inverse) return [gather(g, inverse, axis)]
    if (index.shape.length !== 1)
      throw new CflowError('SHAPE', 'the gradient of Gather needs a one-dimensional index')
    const order = x.shape.map((_, i) => i)
    const toFront = [axis, ...order.filter((i) => i !== axis)]
    const rows = axis === 0 ? g : transpose(g, toFront)
    const n = staticShape(index, 'the index of Gather')[0] as number
    const flat = reshape(rows, [n, -1])
    const d = matMul(oneHotRows(index, size, g.dtype), flat)
    const shaped = reshapeTo(
      d,
      toFront.map((i) => x.shape[i] as Dim),
    )
    return [
      axis === 0
        ? shaped
        : transpose(
            shaped,
            toFront.map((_, i) => toFront.indexOf(i)),
          ),
    ]
  },
}

function inversePermutation(index: Value, size: number): Value | undefined {
  const order = integersOf(index, 'index')
  if (index.shape.length !== 1 || order.length !== size || new Set(order).size !== size)
    return undefined
  const inverse = new BigInt64Array(size)
  order.forEach((from, to) => (inverse[from] = BigInt(to)))
  return constant(tensor('int64', [size], inverse))
}

/** [size, n] matrix whose column j has a 1 in row index[j]. */
function oneHotRows(index: Value, size: number, dtype: DType): Value {
  const rows = cast(
    constant(
      tensor(
        'int32',
        [size, 1],
        Int32Array.from({ length: size }, (_, i) => i),
      ),
    ),
    index.dtype,
  )
  return cast(equal(rows, reshape(index, [1, -1])), dtype)
}

/** 0, 1, … up to the limit (exclusive), int64 or float. */
export const Range: Operator = {
  type: 'Range',
  infer: (inputs) => {
    const [start, limit, delta] = inputs
    const all = [start, limit, delta]
    if (all.every((v) => v?.node.kind === 'constant')) {
      const [a, b, c] = all.map((v) => Number(constantOf(v, 'range').data[0]))
      return [
        {
          dtype: first(inputs).dtype,
          shape: [Math.max(Math.ceil(((b as number) - (a as number)) / (c as number)), 0)],
        },
      ]
    }
    return [{ dtype: first(inputs).dtype, shape: [null] }]
  },
}

/** The k largest or smallest along an axis, sorted, and their indices (int64); of equal ones the first comes first. */
export const TopK: Operator = {
  type: 'TopK',
  infer: (inputs, attributes) => {
    const x = first(inputs)
    const axis = axisOf(intAttribute(attributes, 'axis', -1), x.shape.length)
    const [k] = integersOf(inputs[1], 'K of TopK')
    const shape = x.shape.map((d, i) => (i === axis ? (k as number) : d))
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ]
  },
}

export function topK(
  x: Value,
  k: number,
  axis: number,
  { largest }: { readonly largest: boolean },
): readonly [values: Value, indices: Value] {
  const attributes = { axis: attribute.int(axis), largest: attribute.int(largest ? 1 : 0) }
  return applyAll(TopK, [x, int64s([k])], attributes) as [Value, Value]
}

export const gather = (x: Value, index: Value, axis: number): Value =>
  apply(Gather, [x, index], { axis: attribute.int(axis) })

/** Size of one axis at run time, an int64 scalar. */
export const sizeOfAxis = (x: Value, axis: number): Value =>
  gather(shapeOf(x), scalar(axisOf(axis, x.shape.length), 'int64'), 0)

/** 0, 1, … n−1 for an int64 or float scalar n. */
export const range = (n: Value): Value => apply(Range, [scalar(0, n.dtype), n, scalar(1, n.dtype)])
