import { CflowError, allocate, sizeOf } from '@cflow/base'
import type { Random, Tensor } from '@cflow/base'
import { haarRotation } from '../linalg.js'
import { initialGlobalScale, parameterShapes } from './config.js'
import type { FlowConfig } from './config.js'

export type FloatType = 'float32' | 'float64'

/**
 * Everything a flow consists of: trainable tensors by the names of the authors' checkpoints
 * (`module_list.{k}.subnet.0.weight` …) and, for `soft` and `hard`, the fixed matrices `module_list.{k}.w_perm` [D, D],
 * y = v·Wᵀ.
 */
export type FlowParameters = ReadonlyMap<string, Tensor<FloatType>>

export const mixingName = (k: number): string => `module_list.${k}.w_perm`

/**
 * Fresh parameters.
 * @param start `random`: the paper's code, linear layers uniform in ±1/√fan_in; `identity`: the second linear layer
 *   zero, so that every coupling layer starts as the identity (the `whitened` recipe)
 */
export function initialiseFlow(
  config: FlowConfig,
  random: Random,
  start: 'random' | 'identity',
  dtype: FloatType = 'float32',
): FlowParameters {
  const parameters = new Map<string, Tensor<FloatType>>()
  const fill = (shape: readonly number[], value: () => number): Tensor<FloatType> => {
    const data = allocate(dtype, sizeOf(shape))
    for (let i = 0; i < data.length; i++) data[i] = value()
    return { dtype, shape, data }
  }
  const shapes = parameterShapes(config)
  const fanIn = new Map(
    shapes.flatMap(([name, shape]) =>
      name.endsWith('.weight') ? [[name.replace(/weight$/, ''), shape[1] as number] as const] : [],
    ),
  )
  for (const [name, shape] of shapes) {
    if (name.endsWith('global_scale'))
      parameters.set(
        name,
        fill(shape, () => initialGlobalScale),
      )
    else if (name.endsWith('global_offset'))
      parameters.set(
        name,
        fill(shape, () => 0),
      )
    else if (start === 'identity' && name.includes('subnet.2.'))
      parameters.set(
        name,
        fill(shape, () => 0),
      )
    else {
      const bound = 1 / Math.sqrt(fanIn.get(name.replace(/(weight|bias)$/, '')) as number)
      parameters.set(
        name,
        fill(shape, () => random.uniform(-bound, bound)),
      )
    }
  }
  if (config.permutation !== 'alternate')
    for (let k = 0; k < config.couplingLayers; k++) {
      const d = config.depth
      const data = allocate(dtype, d * d)
      if (config.permutation === 'soft') data.set(haarRotation(d, random))
      else random.permutation(d).forEach((from, to) => (data[to * d + from] = 1))
      parameters.set(mixingName(k), { dtype, shape: [d, d], data })
    }
  return parameters
}

/** All trainable parameters one after the other, in the order of `parameterShapes`. */
export function flatten(config: FlowConfig, parameters: FlowParameters): Tensor<FloatType> {
  const parts = parameterShapes(config).map(([name]) => parameters.get(name) as Tensor<FloatType>)
  const dtype = (parts[0] as Tensor<FloatType>).dtype
  const data = allocate(
    dtype,
    parts.reduce((n, t) => n + t.data.length, 0),
  )
  let at = 0
  for (const t of parts) {
    data.set(t.data, at)
    at += t.data.length
  }
  return { dtype, shape: [data.length], data }
}

/** The parameters with the trainable ones replaced by those in a flat vector. */
export function unflatten(
  config: FlowConfig,
  flat: Tensor<FloatType>,
  fixed: FlowParameters,
): FlowParameters {
  const parameters = new Map(fixed)
  let at = 0
  for (const [name, shape] of parameterShapes(config)) {
    const n = sizeOf(shape)
    parameters.set(name, { dtype: flat.dtype, shape, data: flat.data.slice(at, at + n) })
    at += n
  }
  if (at !== flat.data.length)
    throw new CflowError('SHAPE', `${flat.data.length} parameters where the flow has ${at}`)
  return parameters
}
