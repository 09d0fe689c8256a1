import { CflowError } from '@cflow/base'
import { topologicalOrder } from './order.js'
import { add } from './operators/elementwise.js'
import { zerosLike } from './operators/movement.js'
import { one } from './operators/reduction.js'
import { shapeText } from './value.js'
import type { Node, OperatorNode, Value } from './value.js'

/**
 * Reverse-mode differentiation: values that compute ∂y/∂x for every x, as new nodes over the same operators.
 * @param y a scalar
 * @param xs values that y may depend on; one it does not depend on gets zeros of its (known) shape
 * @throws CflowError SHAPE when y is not a scalar, or the path to an x crosses an operator without a gradient rule
 */
export function gradients(y: Value, xs: readonly Value[]): Value[] {
  if (y.shape.length !== 0)
    throw new CflowError('SHAPE', `can only differentiate a scalar, got ${shapeText(y.shape)}`)
  const order = topologicalOrder([y])
  const wanted = new Map<Node, Set<number>>()
  for (const x of xs) wanted.set(x.node, (wanted.get(x.node) ?? new Set()).add(x.index))

  // nodes on a path from an x to y
  const relevant = new Set<Node>()
  for (const node of order)
    if (
      wanted.has(node) ||
      (node.kind === 'operator' && node.inputs.some((v) => v && relevant.has(v.node)))
    )
      relevant.add(node)

  const table = new Map<Node, (Value | undefined)[]>()
  const accumulate = (v: Value, g: Value) => {
    const row = table.get(v.node) ?? []
    const sum = row[v.index]
    row[v.index] = sum ? add(sum, g) : g
    table.set(v.node, row)
  }
  accumulate(y, one(y))

  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as Node
    const row = table.get(node)
    if (!row || node.kind !== 'operator' || !relevant.has(node)) continue
    const inputs = node.inputs.filter((v) => v && relevant.has(v.node))
    if (inputs.length === 0) continue
    backward(node, row, (v, g) => {
      if (relevant.has(v.node)) accumulate(v, g)
    })
  }
  return xs.map((x) => table.get(x.node)?.[x.index] ?? zerosLike(x))
}

function backward(
  node: OperatorNode,
  row: readonly (Value | undefined)[],
  accumulate: (v: Value, g: Value) => void,
): void {
  const rule = node.operator.gradient
  if (!rule)
    throw new CflowError(
      'SHAPE',
      `operator ${node.operator.type} is for inference only: no gradient`,
    )
  const grads = rule(
    node,
    node.outputs.map((_, i) => row[i]),
  )
  node.inputs.forEach((v, i) => {
    const g = grads[i]
    if (v && g) accumulate(v, g)
  })
}
