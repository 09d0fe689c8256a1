import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { cast, constant, topologicalOrder, withInputs } from '@cflow/graph'
import type { Node, Value } from '@cflow/graph'
import { toHalf } from './float16.js'

/** Constants with fewer elements stay in float32: they take no room. */
const smallest = 256

/**
 * The same graph with its large float32 constants stored as float16, a Cast to float32 behind each. ONNX Runtime folds
 * the Cast when it loads the file, so it computes in float32 at the same speed on every engine. A constant with a value
 * beyond ±65504 stays in float32.
 */
export function storedAsHalf(outputs: Readonly<Record<string, Value>>): Record<string, Value> {
  const done = new Map<Node, readonly Value[]>()
  const mapped = (v: Value): Value => done.get(v.node)?.[v.index] ?? v
  for (const node of topologicalOrder(Object.values(outputs))) {
    if (node.kind === 'constant') {
      const half = halved(node.tensor)
      if (half) done.set(node, [cast(constant(half, node.name), 'float32')])
    } else if (node.kind === 'operator') {
      const inputs = node.inputs.map((v) => v && mapped(v))
      if (inputs.some((v, i) => v !== node.inputs[i])) done.set(node, withInputs(node, inputs))
    }
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, mapped(v)]))
}

function halved({ dtype, shape, data }: Tensor): Tensor<'float16'> | undefined {
  if (dtype !== 'float32' || data.length < smallest) return undefined
  const half = toHalf(data as Float32Array)
  return half && tensor('float16', shape, half)
}
