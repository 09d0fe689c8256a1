import { tensor, type Tensor } from '@cflow/base'
import { add, constant, conv, mul, type Value } from '@cflow/graph'
import type { Padding, Parameter } from '../spec.js'
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

/** The first convolution of a network, from colours at half the size. */
export const stemOf = (
  keys: Pick<ConvLayer, 'conv' | 'norm' | 'timm'>,
  outputs: number,
  kernel: number,
): ConvLayer => ({ ...keys, inputs: 3, outputs, kernel, stride: 2 })

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
  if (layer.norm !== undefined) {
    const { scale, shift } = normOf(layer.norm, context)
    return apply(x, layer, context, scaled(weight, scale), rounded(shift, [shift.length]))
  }
  return apply(x, layer, context, weight, layer.bias && get(context, `${layer.conv}.bias`))
}

/** The convolution without the batch norm after it. */
export function convolveOnly(x: Value, layer: ConvLayer, context: BuildContext): Value {
  return apply(x, layer, context, get(context, `${layer.conv}.weight`))
}

/** A layer's batch norm alone, as a multiplication and an addition by channel. */
export function normalise(x: Value, layer: ConvLayer, context: BuildContext): Value {
  const name = layer.norm as string
  const { scale, shift } = normOf(name, context)
  const of = (values: Float64Array, what: string) =>
    constant(rounded(values, [1, values.length, 1, 1]), `${name}.${what}`)
  return add(mul(x, of(scale, 'scale')), of(shift, 'shift'))
}

function apply(
  x: Value,
  layer: ConvLayer,
  context: BuildContext,
  weight: Tensor<'float32'>,
  bias?: Tensor<'float32'> | false,
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

/** A batch norm, gamma·(x − mean)/√(variance + ε) + beta by channel, as scale·x + shift in float64. */
function normOf(name: string, context: BuildContext): { scale: Float64Array; shift: Float64Array } {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (key) => get(context, `${name}.${key}`).data,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const deviation = (i: number) => Math.sqrt((variance[i] as number) + context.epsilon)
  const scale = Float64Array.from(gamma, (g, i) => g / deviation(i))
  const shift = Float64Array.from(beta, (b, i) => b - (mean[i] as number) * (scale[i] as number))
  return { scale, shift }
}

/** A weight [M, C, h, w] times a number for each output channel; float64, each product rounded once. */
function scaled(weight: Tensor<'float32'>, scale: Float64Array): Tensor<'float32'> {
  const each = weight.data.length / scale.length
  const data = new Float32Array(weight.data.length)
  for (let m = 0; m < scale.length; m++) {
    const factor = scale[m] as number
    for (let i = m * each; i < (m + 1) * each; i++) data[i] = (weight.data[i] as number) * factor
  }
  return tensor('float32', weight.shape, data)
}

const rounded = (values: Float64Array, shape: readonly number[]): Tensor<'float32'> =>
  tensor('float32', shape, Float32Array.from(values))

/** `fitWeights` has seen to it that every tensor is there. */
const get = (context: BuildContext, key: string) => context.weights.get(key) as Tensor<'float32'>
