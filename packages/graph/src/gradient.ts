import { add } from './operators/elementwise.js'
import { zerosLike } from './operators/movement.js'
import { sumTo } from './operators/reduction.js'
import { topologicalOrder } from './order.js'
import { scalar, shapeError, shapeText, type Node, type Value } from './value.js'

/**
 * Reverse-mode differentiation: values that compute ∂y/∂x for every x, as new nodes over the same operators.
 * @param y a scalar
 * @param xs values that y may depend on; one it does not depend on gets zeros of its (known) shape
 * @throws CflowError SHAPE when y is not a scalar, or the path to an x crosses an operator without a gradient rule
 */
export function gradients(y: Value, xs: readonly Value[]): Value[] {
  if (y.shape.length !== 0)
    throw shapeError(`can only differentiate a scalar, got ${shapeText(y.shape)}`)
  const order = topologicalOrder([y])
  // nodes on a path from an x to y
  const relevant = new Set<Node>(xs.map((x) => x.node))
  const isRelevant = (v: Value | undefined) => v !== undefined && relevant.has(v.node)
  for (const node of order)
    if (node.kind === 'operator' && node.inputs.some(isRelevant)) relevant.add(node)

  const table = new Map<Node, (Value | undefined)[]>()
  const accumulate = (v: Value, g: Value) => {
    const row = table.get(v.node) ?? []
    const sum = row[v.index]
    row[v.index] = sum ? add(sum, g) : g
    table.set(v.node, row)
  }
  accumulate(y, scalar(1, y.dtype))

  for (const node of order.toReversed()) {
    const row = table.get(node)
    if (!row || node.kind !== 'operator' || !node.inputs.some(isRelevant)) continue
    const { operator, inputs, outputs } = node
    if (!operator.gradient)
      throw shapeError(`operator ${operator.type} is for inference only: no gradient`)
    const ofOutputs = outputs.map((_, i) => row[i])
    operator.gradient(node, ofOutputs).forEach((g, i) => {
      const v = inputs[i]
      if (v && g && isRelevant(v)) accumulate(v, operator.broadcasts ? sumTo(g, v) : g)
    })
  }
  return xs.map((x) => table.get(x.node)?.[x.index] ?? zerosLike(x))
}
