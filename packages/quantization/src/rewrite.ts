import { topologicalOrder, withInputs, type Node, type Value } from '@cflow/graph'

/** Nodes and what takes the place of their outputs. */
export type Replaced = Map<Node, readonly Value[]>

/** Named values, each as what `f` makes of it. */
export const mapped = (
  values: Readonly<Record<string, Value>>,
  f: (v: Value) => Value,
): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [name, f(v)]))

/** Values computed from what has taken the place of others; the nodes on the way are added to `by`. */
export function rebuilt(
  values: Readonly<Record<string, Value>>,
  by: Replaced,
): Record<string, Value> {
  const current = (v: Value): Value => by.get(v.node)?.[v.index] ?? v
  for (const node of topologicalOrder(Object.values(values))) {
    if (node.kind !== 'operator' || by.has(node)) continue
    const inputs = node.inputs.map((v) => v && current(v))
    if (inputs.some((v, i) => v !== node.inputs[i])) by.set(node, withInputs(node, inputs))
  }
  return mapped(values, current)
}
