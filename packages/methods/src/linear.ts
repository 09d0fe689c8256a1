import { floats, sizeOf } from '@cflow/base'
import type { Random } from '@cflow/base'
import type { ParameterShapes } from '@cflow/core'
import { parameterCount } from '@cflow/core'
import { constant, gemm, relu } from '@cflow/graph'
import type { Value } from '@cflow/graph'

/** Trainable tensors of a stack of linear layers: `{prefix}.{k}.weight` [out, in] and `{prefix}.{k}.bias` [out]. */
export function stackShapes(prefix: string, widths: readonly number[]): ParameterShapes {
  return widths
    .slice(1)
    .flatMap((out, k) => [
      [`${prefix}.${k}.weight`, [out, widths[k] as number]] as const,
      [`${prefix}.${k}.bias`, [out]] as const,
    ])
}

/** Rows [R, in] through a stack of linear layers with ReLU between them (none after the last). */
export function stack(
  x: Value,
  prefix: string,
  layers: number,
  values: ReadonlyMap<string, Value>,
): Value {
  for (let k = 0; k < layers; k++) {
    const weight = values.get(`${prefix}.${k}.weight`) as Value
    x = gemm(k > 0 ? relu(x) : x, weight, { transB: true, c: values.get(`${prefix}.${k}.bias`) })
  }
  return x
}

/**
 * Fresh parameters, flat: uniform in ±1/√fan_in as PyTorch draws them.
 * @param zero names whose tensors start as zeros
 */
export function initialParameters(
  shapes: ParameterShapes,
  random: Random,
  zero: (name: string) => boolean = () => false,
): Float32Array {
  const flat = new Float32Array(parameterCount(shapes))
  let at = 0
  let bound = 0
  for (const [name, shape] of shapes) {
    // a bias has the fan-in of its weight, which comes before it
    if (shape.length === 2) bound = 1 / Math.sqrt(shape[1] as number)
    const end = at + sizeOf(shape)
    for (; at < end; at++) flat[at] = zero(name) ? 0 : random.uniform(-bound, bound)
  }
  return flat
}

/** Trained parameters as constants of a graph, by name. */
export function constantParameters(
  shapes: ParameterShapes,
  flat: Float32Array,
): ReadonlyMap<string, Value> {
  let at = 0
  return new Map(
    shapes.map(([name, shape]) => {
      const values = flat.slice(at, (at += sizeOf(shape)))
      return [name, constant(floats('float32', shape, values), name)] as const
    }),
  )
}
