import type { Node, Value } from './value.js'

/** All nodes that the values depend on, each after those it depends on (iterative, so depth is no limit). */
export function topologicalOrder(values: readonly Value[]): Node[] {
  const order: Node[] = []
  const state = new Map<Node, boolean>()
  const stack: Node[] = values.map((v) => v.node).reverse()
  while (stack.length > 0) {
    const node = stack[stack.length - 1] as Node
    const seen = state.get(node)
    if (seen === undefined) {
      state.set(node, false)
      if (node.kind === 'operator')
        for (let i = node.inputs.length - 1; i >= 0; i--) {
          const next = node.inputs[i]?.node
          if (next && state.get(next) === undefined) stack.push(next)
        }
    } else {
      stack.pop()
      if (!seen) {
        state.set(node, true)
        order.push(node)
      }
    }
  }
  return order
}
