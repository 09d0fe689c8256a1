import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { add, constant, conv, mul } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Padding, Parameter } from '../spec.js'
import { foldNorm, normTransform } from './fold.js'
import type { Norm } from './fold.js'
import { padFor } from './padding.js'

/** A convolution and the batch norm after it, if there is one, by their keys in the state dict. */
export interface ConvLayer {
  readonly conv: string
  readonly norm?: string
  readonly inputs: number
  readonly outputs: number
  /** Height and width of the kernel. */
  readonly kernel: number
  readonly stride?: number
  /** As many groups as channels; for a depthwise convolution. */
  readonly depthwise?: boolean
  readonly bias?: boolean
  /** Names of the convolution and of its batch norm in timm. */
  readonly timm?: { readonly conv: string; readonly norm?: string }
}

/** What layers are built with. */
export interface BuildContext {
  readonly weights: ReadonlyMap<string, Tensor<'float32'>>
  /** ε of the batch norms. */
  readonly epsilon: number
  readonly padding: Padding
}

/** The state dict entries of a layer, in PyTorch's order. */
export function parametersOf(layer: ConvLayer): readonly Parameter[] {
  const { outputs, inputs, kernel, timm } = layer
  const entry = (module: string, name: string, shape: readonly number[], alias?: string) => ({
    key: `${module}.${name}`,
    shape,
    ...(alias !== undefined && { alias: `${alias}.${name}` }),
  })
  const { conv, norm } = layer
  return [
    entry(conv, 'weight', [outputs, layer.depthwise ? 1 : inputs, kernel, kernel], timm?.conv),
    ...(layer.bias ? [entry(conv, 'bias', [outputs], timm?.conv)] : []),
    ...(norm === undefined
      ? []
      : ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
          entry(norm, name, [outputs], timm?.norm),
        )),
  ]
}

/** The convolution with its batch norm folded in (or its own bias). x is [N, inputs, H, W]. */
export function convolve(x: Value, layer: ConvLayer, context: BuildContext): Value {
  const weight = get(context, `${layer.conv}.weight`)
  if (layer.norm === undefined)
    return apply(
      x,
      layer,
      context,
      weight,
      layer.bias ? get(context, `${layer.conv}.bias`) : undefined,
    )
  const folded = foldNorm(weight, normOf(layer.norm, context))
  return apply(x, layer, context, folded.weight, folded.bias)
}

/** The convolution without the batch norm after it. */
export function convolveOnly(x: Value, layer: ConvLayer, context: BuildContext): Value {
  return apply(x, layer, context, get(context, `${layer.conv}.weight`), undefined)
}

/** A layer's batch norm alone, as a multiplication and an addition by channel. */
export function normalise(x: Value, layer: ConvLayer, context: BuildContext): Value {
  const name = layer.norm as string
  const { scale, shift } = normTransform(normOf(name, context))
  const channels = [1, scale.length, 1, 1]
  const factor = constant(tensor('float32', channels, Float32Array.from(scale)), `${name}.scale`)
  const offset = constant(tensor('float32', channels, Float32Array.from(shift)), `${name}.shift`)
  return add(mul(x, factor), offset)
}

function apply(
  x: Value,
  layer: ConvLayer,
  context: BuildContext,
  weight: Tensor<'float32'>,
  bias: Tensor<'float32'> | undefined,
): Value {
  const stride = layer.stride ?? 1
  const padded = padFor(x, layer.kernel, stride, context.padding)
  return conv(padded.image, constant(weight, `${layer.conv}.weight`), {
    ...(bias && { bias: constant(bias, `${layer.conv}.bias`) }),
    strides: [stride, stride],
    pads: padded.pads,
    group: layer.depthwise ? layer.inputs : 1,
  })
}

function normOf(name: string, context: BuildContext): Norm {
  return {
    gamma: get(context, `${name}.weight`).data,
    beta: get(context, `${name}.bias`).data,
    mean: get(context, `${name}.running_mean`).data,
    variance: get(context, `${name}.running_var`).data,
    epsilon: context.epsilon,
  }
}

/** `fitWeights` has seen to it that every tensor is there. */
const get = (context: BuildContext, key: string) => context.weights.get(key) as Tensor<'float32'>
