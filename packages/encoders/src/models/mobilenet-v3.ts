import { add, globalAveragePool, hardSigmoid, hardSwish, mul, relu } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import { convolve, convolveOnly, normalise, parametersOf } from '../layers/conv.js'
import type { BuildContext, ConvLayer } from '../layers/conv.js'
import { imagenet } from '../spec.js'
import type { EncoderSpec } from '../spec.js'
import { fitWeights } from '../fit.js'
import { blocksOf, layersOf } from './mobilenet-v3-blocks.js'
import type { Block, Row } from './mobilenet-v3-blocks.js'

type Cells = readonly [number, number, number, 'SE' | '', 'RE' | 'HS', number]

const row = ([kernel, expanded, channels, squeeze, activation, stride]: Cells): Row => ({
  kernel,
  expanded,
  channels,
  squeeze: squeeze === 'SE',
  activation: activation === 'HS' ? 'hardSwish' : 'relu',
  stride,
})

// kernel, expanded, channels, squeeze, activation, stride
const largeCells: readonly Cells[] = [
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
]
const smallCells: readonly Cells[] = [
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
]

/** Rows of the table, blocks of each stage as timm counts them, and the features that are tapped (the last of each stride). */
const variants = {
  large: { rows: largeCells.map(row), stages: [1, 2, 3, 4, 2, 3], taps: [6, 12, 15] },
  small: { rows: smallCells.map(row), stages: [1, 2, 3, 2, 3], taps: [3, 8, 11] },
} as const

/**
 * MobileNetV3 (Howard and others, arXiv 1905.02244) as torchvision has it. As in the paper's code a tap is the output
 * of a block's projection convolution, before its batch norm and before the residual.
 */
export function mobileNetV3(
  name: string,
  variant: keyof typeof variants,
  weights?: PublishedWeights,
): EncoderSpec {
  const { rows, stages, taps } = variants[variant]
  const stem: ConvLayer = {
    conv: 'features.0.0',
    norm: 'features.0.1',
    inputs: 3,
    outputs: 16,
    kernel: 3,
    stride: 2,
    timm: { conv: 'conv_stem', norm: 'bn1' },
  }
  const blocks = blocksOf(rows, stages)
  // without the four tensors of the batch norm after the last tap
  const parameters = [stem, ...blocks.flatMap(layersOf)].flatMap(parametersOf).slice(0, -4)
  return {
    name,
    ...imagenet,
    taps: taps.map((feature, i) => ({
      name: `features.${feature}`,
      channels: (rows[feature - 1] as Row).channels,
      stride: 8 * 2 ** i,
    })),
    padding: 'zeros',
    license: 'BSD-3-Clause',
    ...(weights && { weights }),
    parameters,
    build: (image, state) => {
      const context: BuildContext = {
        weights: fitWeights(parameters, state, name),
        epsilon: 1e-3,
        padding: 'zeros',
      }
      let x = hardSwish(convolve(image, stem, context))
      const maps: Value[] = []
      blocks.forEach((block, i) => {
        const inner = innerOf(x, block, context)
        if (!(taps as readonly number[]).includes(i + 1)) {
          const y = convolve(inner, block.project, context)
          x = block.residual ? add(y, x) : y
          return
        }
        const map = convolveOnly(inner, block.project, context)
        maps.push(map)
        if (i + 1 === blocks.length) return
        const y = normalise(map, block.project, context)
        x = block.residual ? add(y, x) : y
      })
      return maps
    },
  }
}

/** What a block projects. */
function innerOf(x: Value, block: Block, context: BuildContext): Value {
  const activate = block.activation === 'relu' ? relu : hardSwish
  const expanded = block.expand ? activate(convolve(x, block.expand, context)) : x
  const y = activate(convolve(expanded, block.depthwise, context))
  if (!block.squeeze) return y
  const [reduce, restore] = block.squeeze
  const squeezed = relu(convolve(globalAveragePool(y), reduce, context))
  return mul(y, hardSigmoid(convolve(squeezed, restore, context)))
}
