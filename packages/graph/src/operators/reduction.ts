import { apply, attribute, infers, intAttribute, type One } from '../operator.js'
import { axisOf } from '../shapes.js'
import {
  int64s,
  integersOf,
  shapeError,
  shapeText,
  type Dim,
  type Inputs,
  type Operator,
  type OperatorNode,
  type Value,
} from '../value.js'
import { add, mul, scale } from './elementwise.js'
import { expandLike, reshapeTo, shapeOf, split } from './movement.js'

/** Axes of a reduction (all when its second input is absent). */
function axesOf([x, axes]: Inputs): number[] {
  const rank = (x as Value).shape.length
  if (!axes) return Array.from({ length: rank }, (_, i) => i)
  return integersOf(axes, 'the axes of a reduction').map((a) => axisOf(a, rank))
}

/** @param rule the gradient, of that of the output with the reduced axes back, of size 1 */
function reduction(
  type: string,
  rule?: (g: Value, x: Value, axes: readonly number[]) => Value,
): Operator {
  return {
    type,
    infer: infers((x, inputs, attributes) => {
      const axes = new Set(axesOf(inputs))
      const keep = intAttribute(attributes, 'keepdims', 1) === 1
      return x.shape.flatMap((d, i): Dim[] => (!axes.has(i) ? [d] : keep ? [1] : []))
    }),
    ...(rule && {
      gradient: ({ inputs, attributes }: OperatorNode, [g]: One) => {
        const x = inputs[0] as Value
        const axes = axesOf(inputs)
        if (intAttribute(attributes, 'keepdims', 1) === 1) return [rule(g, x, axes)]
        const shape = x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
        return [rule(reshapeTo(g, shape), x, axes)]
      },
    }),
  }
}

export const ReduceSum = reduction('ReduceSum', expandLike)
export const ReduceMean = reduction('ReduceMean', (g, x, axes) => {
  const sizes = axes.map((a) => x.shape[a])
  if (sizes.some((d) => typeof d !== 'number'))
    throw shapeError('the gradient of a mean needs axes of known size')
  return expandLike(scale(g, 1 / (sizes as number[]).reduce((n, d) => n * d, 1)), x)
})
export const ReduceSumSquare = reduction('ReduceSumSquare', (g, x) => mul(x, scale(g, 2)))
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
    const t = i < extra ? 1 : target.shape[i - extra]
    if (i < extra || (t === 1 && d !== 1)) axes.push(i)
    else if (t !== d && (typeof t !== 'number' || typeof d !== 'number'))
      throw shapeError(
        `cannot tell which axes of ${shapeText(target.shape)} were broadcast to ${shapeText(g.shape)}`,
      )
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
