import { add, clip } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import { convolve, parametersOf } from '../layers/conv.js'
import type { BuildContext, ConvLayer } from '../layers/conv.js'
import type { EncoderSpec, TapInfo } from '../spec.js'
import { fitWeights } from '../fit.js'
import { roundChannels } from './round.js'

/** Stages of EfficientNet-B0: repeats, kernel, stride of the first block, expansion, channels. */
const stages = [
  { repeats: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { repeats: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { repeats: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { repeats: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { repeats: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { repeats: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
] as const
/** Stages whose last block is tapped: the last of each stride 8, 16 and 32 (the 320-channel stage is left out). */
const tapped = [2, 4, 5]
const stemChannels = 32

/** One inverted residual block: expand 1×1, depthwise k×k, project 1×1; ReLU6 after the first two. */
interface Block {
  readonly layers: readonly ConvLayer[]
  readonly residual: boolean
  readonly tap: TapInfo | undefined
}

/** Multipliers of width and depth over Lite0 (Lite scales neither the stem nor the depth of the first stage). */
export interface LiteScale {
  readonly width: number
  readonly depth: number
}

/**
 * EfficientNet-Lite (Tan and Le, arXiv 1905.11946; Google's Lite variant without squeeze-and-excitation, with ReLU6).
 * Taps are block outputs, after batch norm and residual. Keys are those of the published PyTorch files
 * (`_blocks.4._project_conv.weight`); timm's are aliases.
 */
export function efficientNetLite(
  name: string,
  scale: LiteScale,
  weights?: PublishedWeights,
): EncoderSpec {
  const stem: ConvLayer = {
    conv: '_conv_stem',
    norm: '_bn0',
    inputs: 3,
    outputs: stemChannels,
    kernel: 3,
    stride: 2,
    timm: { conv: 'conv_stem', norm: 'bn1' },
  }
  const blocks = blocksOf(scale)
  const parameters = [stem, ...blocks.flatMap((b) => b.layers)].flatMap(parametersOf)
  return {
    name,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    taps: blocks.flatMap((b) => b.tap ?? []),
    padding: 'same',
    license: 'Apache-2.0',
    ...(weights && { weights }),
    parameters,
    build: (image, state) => {
      const fitted = fitWeights(parameters, state, name)
      const context: BuildContext = { weights: fitted, epsilon: 1e-3, padding: 'same' }
      const taps: Value[] = []
      let x = relu6(convolve(image, stem, context))
      for (const block of blocks) {
        x = apply(x, block, context)
        if (block.tap) taps.push(x)
      }
      return taps
    },
  }
}

const relu6 = (x: Value): Value => clip(x, 0, 6)

function apply(x: Value, block: Block, context: BuildContext): Value {
  const last = block.layers.length - 1
  const y = block.layers.reduce((v, layer, i) => {
    const out = convolve(v, layer, context)
    return i === last ? out : relu6(out)
  }, x)
  return block.residual ? add(y, x) : y
}

function blocksOf(scale: LiteScale): readonly Block[] {
  const blocks: Block[] = []
  let inputs = stemChannels
  let stride = 2
  stages.forEach((stage, s) => {
    const outputs = roundChannels(stage.channels * scale.width)
    const repeats = s === 0 ? stage.repeats : Math.ceil(stage.repeats * scale.depth)
    stride *= stage.stride
    for (let r = 0; r < repeats; r++) {
      const step = r === 0 ? stage.stride : 1
      const index = blocks.length
      const tap = tapped.includes(s) && r === repeats - 1
      const shape = {
        inputs,
        outputs,
        kernel: stage.kernel,
        stride: step,
        expansion: stage.expansion,
      }
      blocks.push({
        layers: layersOf(`_blocks.${index}`, `blocks.${s}.${r}`, shape),
        residual: step === 1 && inputs === outputs,
        tap: tap ? { name: `blocks.${index}`, channels: outputs, stride } : undefined,
      })
      inputs = outputs
    }
  })
  return blocks
}

interface BlockShape {
  readonly inputs: number
  readonly outputs: number
  readonly kernel: number
  readonly stride: number
  readonly expansion: number
}

function layersOf(block: string, timm: string, shape: BlockShape): readonly ConvLayer[] {
  const { inputs, outputs, kernel, stride, expansion } = shape
  const hidden = inputs * expansion
  const expand: ConvLayer = {
    conv: `${block}._expand_conv`,
    norm: `${block}._bn0`,
    inputs,
    outputs: hidden,
    kernel: 1,
    timm: { conv: `${timm}.conv_pw`, norm: `${timm}.bn1` },
  }
  const expands = expansion !== 1
  const depthwise: ConvLayer = {
    conv: `${block}._depthwise_conv`,
    norm: `${block}._bn1`,
    inputs: hidden,
    outputs: hidden,
    kernel,
    stride,
    depthwise: true,
    timm: { conv: `${timm}.conv_dw`, norm: `${timm}.${expands ? 'bn2' : 'bn1'}` },
  }
  const project: ConvLayer = {
    conv: `${block}._project_conv`,
    norm: `${block}._bn2`,
    inputs: hidden,
    outputs,
    kernel: 1,
    timm: expands
      ? { conv: `${timm}.conv_pwl`, norm: `${timm}.bn3` }
      : { conv: `${timm}.conv_pw`, norm: `${timm}.bn2` },
  }
  return expands ? [expand, depthwise, project] : [depthwise, project]
}
