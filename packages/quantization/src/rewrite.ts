import { topologicalOrder, withInputs, type Node, type Value } from '@cflow/graph'

/** Nodes and what takes the place of their outputs. */
export type Replaced = Map<Node, readonly Value[]>

/** The value that takes the place of another, or itself. */
export const replaced = (by: Replaced, v: Value): Value => by.get(v.node)?.[v.index] ?? v

/** Values computed from what has taken the place of others; the nodes on the way are added to `by`. */
export function rebuilt(values: readonly Value[], by: Replaced): readonly Value[] {
  for (const node of topologicalOrder(values)) {
    if (node.kind !== 'operator' || by.has(node)) continue
    const inputs = node.inputs.map((v) => v && replaced(by, v))
    if (inputs.some((v, i) => v !== node.inputs[i])) by.set(node, withInputs(node, inputs))
  }
  return values.map((v) => replaced(by, v))
}

/** Named values, each as what `f` makes of it. */
export const mapped = (
  values: Readonly<Record<string, Value>>,
  f: (v: Value) => Value,
): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [name, f(v)]))
