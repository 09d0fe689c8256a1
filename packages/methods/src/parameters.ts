import { floats, sizeOf } from '@cflow/base'
import { constantValues, parameterCount, type ParameterShapes, type Parameters, type Values } from '@cflow/core' // prettier-ignore

/** Tensors one after the other, in the order of the shapes. */
export function flattened(shapes: ParameterShapes, parameters: Parameters): Float32Array {
  const flat = new Float32Array(parameterCount(shapes))
  let at = 0
  for (const [name, shape] of shapes) {
    flat.set(parameters.get(name)?.data as Float32Array, at)
    at += sizeOf(shape)
  }
  return flat
}

/** Trained parameters, flat, as constants of a graph, by name. */
export function constantsOf(shapes: ParameterShapes, flat: Float32Array): Values {
  let at = 0
  return constantValues(
    new Map(
      shapes.map(([name, shape]) => {
        const values = flat.slice(at, (at += sizeOf(shape)))
        return [name, floats('float32', shape, values)] as const
      }),
    ),
  )
}
