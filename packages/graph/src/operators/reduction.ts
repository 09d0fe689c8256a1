import { CflowError } from '@cflow/base'
import { apply, attribute, intAttribute } from '../operator.js'
import type { Operator } from '../operator.js'
import { axisOf } from '../shapes.js'
import { integersOf, int64s, scalar, shapeText } from '../value.js'
import type { Dim, OperatorNode, Value } from '../value.js'
import { add, mul, scale } from './elementwise.js'
import { expandLike, reshapeTo, shapeOf, split } from './movement.js'

/** Axes of a reduction (all when its second input is absent). */
function axesOf(node: { readonly inputs: readonly (Value | undefined)[] }): number[] {
  const rank = (node.inputs[0] as Value).shape.length
  if (!node.inputs[1]) return Array.from({ length: rank }, (_, i) => i)
  return integersOf(node.inputs[1], 'the axes of a reduction').map((a) => axisOf(a, rank))
}

function reduction(type: string, rule?: (node: OperatorNode, g: Value) => Value): Operator {
  return {
    type,
    infer: (inputs, attributes) => {
      const x = inputs[0] as Value
      const axes = new Set(axesOf({ inputs }))
      const keep = intAttribute(attributes, 'keepdims', 1) === 1
      const shape: Dim[] = []
      x.shape.forEach((d, i) => {
        if (!axes.has(i)) shape.push(d)
        else if (keep) shape.push(1)
      })
      return [{ dtype: x.dtype, shape }]
    },
    ...(rule && { gradient: (node, [g]) => [g && rule(node, withAxes(node, g))] }),
  }
}

/** The gradient of a reduction's output with the reduced axes back, of size 1. */
function withAxes(node: OperatorNode, g: Value): Value {
  if (intAttribute(node.attributes, 'keepdims', 1) === 1) return g
  const x = node.inputs[0] as Value
  const axes = new Set(axesOf(node))
  return reshapeTo(
    g,
    x.shape.map((d, i) => (axes.has(i) ? 1 : d)),
  )
}

export const ReduceSum = reduction('ReduceSum', (node, g) => expandLike(g, node.inputs[0] as Value))
export const ReduceMean = reduction('ReduceMean', (node, g) => {
  const x = node.inputs[0] as Value
  const sizes = axesOf(node).map((a) => x.shape[a])
  if (sizes.some((d) => typeof d !== 'number'))
    throw new CflowError('SHAPE', 'the gradient of a mean needs axes of known size')
  return expandLike(scale(g, 1 / (sizes as number[]).reduce((n, d) => n * d, 1)), x)
})
export const ReduceSumSquare = reduction('ReduceSumSquare', (node, g) =>
  mul(node.inputs[0] as Value, scale(g, 2)),
)
export const ReduceMax = reduction('ReduceMax')
export const ReduceMin = reduction('ReduceMin')

function reduce(operator: Operator) {
  return (x: Value, axes: readonly number[], keepDims = false): Value =>
    apply(operator, [x, int64s(axes)], { keepdims: attribute.int(keepDims ? 1 : 0) })
}
export const reduceSum = reduce(ReduceSum)
export const reduceMean = reduce(ReduceMean)
export const reduceSumSquare = reduce(ReduceSumSquare)
export const reduceMax = reduce(ReduceMax)
export const reduceMin = reduce(ReduceMin)

/** Sum a gradient over the axes that broadcasting had stretched, back to the target's shape. */
export function sumTo(g: Value, target: Value): Value {
  const extra = g.shape.length - target.shape.length
  const axes: number[] = []
  g.shape.forEach((d, i) => {
    if (i < extra) axes.push(i)
    else {
      const t = target.shape[i - extra] as Dim
      if (t === d) return
      if (t === 1) axes.push(i)
      else if (typeof t !== 'number' || typeof d !== 'number')
        throw new CflowError(
          'SHAPE',
          `cannot tell which axes of ${shapeText(target.shape)} were broadcast to ${shapeText(g.shape)}`,
        )
    }
  })
  if (axes.length === 0) return g
  const summed = axes.length === 1 && axes[0] === 0 ? sumOverFirst(g) : reduceSum(g, axes, true)
  return extra === 0 ? summed : reshapeTo(summed, target.shape, () => shapeOf(target))
}

/** Few terms, such as the gradient of what is added to a few groups, are added several times as fast as reduced. */
const fewTerms = 8

/** Sum over the first axis, which is kept. */
function sumOverFirst(g: Value): Value {
  const [terms] = g.shape
  if (typeof terms !== 'number' || terms < 2 || terms > fewTerms) return reduceSum(g, [0], true)
  const ones = Array.from({ length: terms }, () => 1)
  return split(g, ones, 0).reduce((sum, term) => add(sum, term))
}

/** A scalar of ones to start a gradient with. */
export const one = (like: Value): Value => scalar(1, like.dtype)
