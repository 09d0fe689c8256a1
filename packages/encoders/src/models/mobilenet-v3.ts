import { hardSwish, relu } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import {
  convolve,
  convolveOnly,
  normalise,
  parametersOf,
  stemOf,
  type ConvLayer,
} from '../layers/conv.js'
import { encoderOf } from '../layers/encoder.js'
import {
  blockLayers,
  innerOf,
  layersOf,
  roundChannels,
  withResidual,
  type InvertedResidual,
} from '../layers/inverted-residual.js'
import { torchvision } from '../published.js'
import { imagenet, type NamedEncoder } from '../spec.js'

/** A row of the paper's tables 1 and 2: kernel, expanded, channels, squeeze, activation, stride. */
type Row = readonly [number, number, number, 'SE' | '', 'RE' | 'HS', number]

/** The table, blocks of each stage as timm counts them, and the features that are tapped (the last of each stride). */
type Variant = { readonly [key in 'stages' | 'taps']: readonly number[] } & {
  readonly rows: readonly Row[]
}

const large: Variant = {
  rows: [
    [3, 16, 16, '', 'RE', 1],
    [3, 64, 24, '', 'RE', 2],
    [3, 72, 24, '', 'RE', 1],
    [5, 72, 40, 'SE', 'RE', 2],
    [5, 120, 40, 'SE', 'RE', 1],
    [5, 120, 40, 'SE', 'RE', 1],
    [3, 240, 80, '', 'HS', 2],
    [3, 200, 80, '', 'HS', 1],
    [3, 184, 80, '', 'HS', 1],
    [3, 184, 80, '', 'HS', 1],
    [3, 480, 112, 'SE', 'HS', 1],
    [3, 672, 112, 'SE', 'HS', 1],
    [5, 672, 160, 'SE', 'HS', 2],
    [5, 960, 160, 'SE', 'HS', 1],
    [5, 960, 160, 'SE', 'HS', 1],
  ],
  stages: [1, 2, 3, 4, 2, 3],
  taps: [3, 6, 12, 15],
}
const small: Variant = {
  rows: [
    [3, 16, 16, 'SE', 'RE', 2],
    [3, 72, 24, '', 'RE', 2],
    [3, 88, 24, '', 'RE', 1],
    [5, 96, 40, 'SE', 'HS', 2],
    [5, 240, 40, 'SE', 'HS', 1],
    [5, 240, 40, 'SE', 'HS', 1],
    [5, 120, 48, 'SE', 'HS', 1],
    [5, 144, 48, 'SE', 'HS', 1],
    [5, 288, 96, 'SE', 'HS', 2],
    [5, 576, 96, 'SE', 'HS', 1],
    [5, 576, 96, 'SE', 'HS', 1],
  ],
  stages: [1, 2, 3, 2, 3],
  taps: [1, 3, 8, 11],
}

const timmStem = { conv: 'conv_stem', norm: 'bn1' }
const stem = stemOf({ conv: 'features.0.0', norm: 'features.0.1', timm: timmStem }, 16, 3)

export const mobileNets: readonly NamedEncoder[] = [
  mobileNetV3('mobilenet-v3-large', large, torchvision('mobilenet_v3_large-8738ca79.pth')),
  mobileNetV3(
    'mobilenet-v3-small',
    small,
    torchvision('mobilenet_v3_small-047dcff4.pth', 10_306_551),
  ),
]

/**
 * MobileNetV3 (Howard and others, arXiv 1905.02244) as torchvision has it. As in the paper's code a tap is the output
 * of a block's projection convolution, before its batch norm and before the residual.
 */
function mobileNetV3(name: string, variant: Variant, weights: PublishedWeights): NamedEncoder {
  const { rows, taps } = variant
  const spec = () => {
    const blocks = blocksOf(variant)
    // without the four tensors of the batch norm after the last tap
    const parameters = [stem, ...blocks.flatMap(layersOf)].flatMap(parametersOf).slice(0, -4)
    const tapped = taps.map((feature, i) => ({
      name: `features.${feature}`,
      channels: (rows[feature - 1] as Row)[2],
      stride: 4 * 2 ** i,
    }))
    const license = 'BSD-3-Clause'
    return encoderOf(
      { name, ...imagenet, taps: tapped, padding: 'zeros', license, weights, parameters },
      1e-3,
      (image, context) => {
        let x = hardSwish(convolve(image, stem, context))
        return blocks.flatMap((block, i) => {
          const { project } = block
          const inner = innerOf(x, block, context)
          if (!taps.includes(i + 1)) {
            x = withResidual(convolve(inner, project, context), x, block)
            return []
          }
          const map = convolveOnly(inner, project, context)
          if (i + 1 < blocks.length) x = withResidual(normalise(map, project, context), x, block)
          return [map]
        })
      },
    )
  }
  return { name, spec }
}

/** The blocks of a table, named as in torchvision (`features.6.block.3.0`), with timm's names as aliases. */
function blocksOf({ rows, stages }: Variant): readonly InvertedResidual[] {
  const timm = stages.flatMap((n, s) => Array.from({ length: n }, (_, i) => `blocks.${s}.${i}`))
  let inputs: number = stem.outputs
  return rows.map(([kernel, expanded, outputs, squeeze, activation, stride], i) => {
    const name = `features.${i + 1}.block`
    const own = timm[i] as string
    // modules are numbered as they come: those that a block lacks are not counted
    const depthwise = expanded === inputs ? 0 : 1
    const keys = (index: number) => ({ conv: `${name}.${index}.0`, norm: `${name}.${index}.1` })
    const all = {
      expand: keys(0),
      depthwise: keys(depthwise),
      project: keys(depthwise + (squeeze ? 2 : 1)),
    }
    const block: InvertedResidual = {
      ...blockLayers(all, own, { inputs, outputs, kernel, stride }, expanded),
      ...(squeeze && { squeeze: squeezeOf(expanded, `${name}.${depthwise + 1}`, own) }),
      activate: activation === 'RE' ? relu : hardSwish,
    }
    inputs = outputs
    return block
  })
}

function squeezeOf(channels: number, name: string, timm: string): readonly [ConvLayer, ConvLayer] {
  const inner = roundChannels(Math.floor(channels / 4))
  const layer = (inputs: number, outputs: number, n: number, timmName: string): ConvLayer => ({
    conv: `${name}.fc${n}`,
    inputs,
    outputs,
    kernel: 1,
    bias: true,
    timm: { conv: `${timm}.se.${timmName}` },
  })
  return [layer(channels, inner, 1, 'conv_reduce'), layer(inner, channels, 2, 'conv_expand')]
}
