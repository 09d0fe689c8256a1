import { add, globalAveragePool, hardSigmoid, mul, relu, type Value } from '@cflow/graph'
import { convolve, type BuildContext, type ConvLayer } from './conv.js'

/** An inverted residual block: expand 1×1, depthwise k×k, perhaps squeeze and excite, project 1×1. */
export interface InvertedResidual {
  /** Absent where the block is as wide inside as its input. */
  readonly expand?: ConvLayer
  readonly depthwise: ConvLayer
  readonly squeeze?: readonly [reduce: ConvLayer, restore: ConvLayer]
  readonly project: ConvLayer
  /** After the first two convolutions. */
  readonly activate: (x: Value) => Value
  readonly residual: boolean
}

/**
 * The convolutions of a block.
 * @param keys of each of them, where the block has it
 * @param timm name of the block in timm
 * @param expanded channels inside the block
 */
export function blockLayers(
  keys: {
    readonly [layer in 'expand' | 'depthwise' | 'project']: Pick<ConvLayer, 'conv' | 'norm'>
  },
  timm: string,
  { inputs, outputs, ...window }: Pick<ConvLayer, 'inputs' | 'outputs' | 'kernel' | 'stride'>,
  expanded: number,
): Pick<InvertedResidual, 'expand' | 'depthwise' | 'project' | 'residual'> {
  const expands = expanded !== inputs
  const norms = expands ? ['bn1', 'bn2', 'bn3'] : ['', 'bn1', 'bn2']
  const named = (conv: string, n: number) => ({
    timm: { conv: `${timm}.${conv}`, norm: `${timm}.${norms[n]}` },
  })
  const expand = { ...keys.expand, inputs, outputs: expanded, kernel: 1, ...named('conv_pw', 0) }
  const wide = { inputs: expanded, outputs: expanded, depthwise: true }
  return {
    ...(expands && { expand }),
    depthwise: { ...keys.depthwise, ...wide, ...window, ...named('conv_dw', 1) },
    project: {
      ...keys.project,
      inputs: expanded,
      outputs,
      kernel: 1,
      ...named(expands ? 'conv_pwl' : 'conv_pw', 2),
    },
    residual: window.stride === 1 && inputs === outputs,
  }
}

/** A block's layers in state dict order. */
export const layersOf = (block: InvertedResidual): readonly ConvLayer[] => [
  ...(block.expand ? [block.expand] : []),
  block.depthwise,
  ...(block.squeeze ?? []),
  block.project,
]

/** What a block projects. */
export function innerOf(x: Value, block: InvertedResidual, context: BuildContext): Value {
  const { expand, depthwise, squeeze, activate } = block
  const wide = expand ? activate(convolve(x, expand, context)) : x
  const y = activate(convolve(wide, depthwise, context))
  if (!squeeze) return y
  const [reduce, restore] = squeeze
  const squeezed = relu(convolve(globalAveragePool(y), reduce, context))
  return mul(y, hardSigmoid(convolve(squeezed, restore, context)))
}

/** A block's output, of what it projects from its input x. */
export const withResidual = (y: Value, x: Value, block: InvertedResidual): Value =>
  block.residual ? add(y, x) : y

/** A number of channels to a multiple of 8, never more than a tenth down (the MobileNets' and EfficientNets' rule). */
export function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8)
  return rounded < 0.9 * channels ? rounded + 8 : rounded
}
