import { input, less, scalar, split, topologicalOrder, where, withInputs } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Layer } from './layers.js'
import { rewritten } from './qdq.js'
import type { QuantiseOptions } from './qdq.js'
import type { Structure } from './structure.js'

/** Input of a switched graph, float32 [layers]: 1 quantises a layer, 0 leaves it in float. */
export const switches = 'quantised'

/**
 * The float graph with every one of the layers in it twice, in float and quantised alone, and a switch that chooses: one
 * session measures any set of layers. Between two quantised layers are floats, so that each brings in its own error only.
 */
export function switched(
  structure: Structure,
  layers: readonly Layer[],
  options: Omit<QuantiseOptions, 'keep'>,
): Record<string, Value> {
  const names = structure.layers.map((l) => l.name)
  const flags = split(
    less(scalar(0.5), input(switches, 'float32', [layers.length])),
    layers.map(() => 1),
    0,
  )
  const made = new Map<Value, Value>()
  const mapped = (v: Value): Value => made.get(v) ?? v
  /** Computes values of the float graph on what is switched before them. */
  const compute = (values: readonly Value[]): void => {
    for (const node of topologicalOrder(values)) {
      if (node.kind !== 'operator' || made.has(node.outputs[0] as Value)) continue
      const outputs = withInputs(node, node.inputs.map((x) => x && mapped(x))) // prettier-ignore
      node.outputs.forEach((o, i) => made.set(o, outputs[i] as Value))
    }
  }
  // in running order, so that everything before a layer is there when the layer is
  layers.forEach((layer, i) => {
    // before its activation, which is where a quantised layer behind it reads
    const exact = layer.node.outputs[0] as Value
    const keep = new Set(names.filter((name) => name !== layer.name))
    const alone = rewritten(structure, { ...options, keep }, structure.activated(exact))
    compute([exact, alone])
    made.set(exact, where(flags[i] as Value, mapped(alone), mapped(exact)))
  })
  const outputs = Object.entries(structure.outputs)
  compute(outputs.map(([, v]) => v))
  return Object.fromEntries(outputs.map(([name, v]) => [name, mapped(v)]))
}
