import { add, maxPool, relu } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import { convolve, parametersOf } from '../layers/conv.js'
import type { BuildContext, ConvLayer } from '../layers/conv.js'
import { imagenet } from '../spec.js'
import type { EncoderSpec } from '../spec.js'
import { fitWeights } from '../fit.js'

export interface ResNetShape {
  /** Two 3×3 convolutions a block, or 1×1, 3×3, 1×1 with four times the channels at the end. */
  readonly block: 'basic' | 'bottleneck'
  /** Blocks of layer1 … layer4. */
  readonly depths: readonly [number, number, number, number]
  /** Width of a bottleneck's inner convolutions over the channels of the plain network. */
  readonly widening?: number
}

/** A residual block: ReLU between its convolutions and after the sum. */
interface Block {
  readonly layers: readonly ConvLayer[]
  /** Projection of the input, where the block changes its shape. */
  readonly shortcut: ConvLayer | undefined
}

/**
 * ResNet (He and others, arXiv 1512.03385; Zagoruyko and Komodakis, arXiv 1605.07146 for the wide one) as torchvision
 * has it, the stride in the 3×3 convolution. Taps are layer2, layer3 and layer4. The paper's code fills the border of
 * every padded convolution by reflection, the max-pool's not.
 */
export function resNet(
  name: string,
  shape: ResNetShape,
  padding: 'reflect' | 'zeros',
  weights?: PublishedWeights,
): EncoderSpec {
  const stem: ConvLayer = {
    conv: 'conv1',
    norm: 'bn1',
    inputs: 3,
    outputs: 64,
    kernel: 7,
    stride: 2,
  }
  const stages = stagesOf(shape)
  const layers = stages.flat().flatMap((b) => [...b.layers, ...(b.shortcut ? [b.shortcut] : [])])
  const parameters = [stem, ...layers].flatMap(parametersOf)
  return {
    name,
    ...imagenet,
    taps: [2, 3, 4].map((n) => ({
      name: `layer${n}`,
      channels: channelsOf(shape, n - 1),
      stride: 2 ** (n + 1),
    })),
    padding,
    license: 'BSD-3-Clause',
    ...(weights && { weights }),
    parameters,
    build: (image, state) => {
      const context: BuildContext = {
        weights: fitWeights(parameters, state, name),
        epsilon: 1e-5,
        padding,
      }
      let x = maxPool(relu(convolve(image, stem, context)), [3, 3], [2, 2], [1, 1, 1, 1])
      const outputs = stages.map((blocks) => (x = blocks.reduce((v, b) => apply(v, b, context), x)))
      return outputs.slice(1)
    },
  }
}

function apply(x: Value, block: Block, context: BuildContext): Value {
  const last = block.layers.length - 1
  const y = block.layers.reduce((v, layer, i) => {
    const out = convolve(v, layer, context)
    return i === last ? out : relu(out)
  }, x)
  return relu(add(y, block.shortcut ? convolve(x, block.shortcut, context) : x))
}

const channelsOf = (shape: ResNetShape, stage: number): number =>
  64 * 2 ** stage * (shape.block === 'bottleneck' ? 4 : 1)

function stagesOf(shape: ResNetShape): readonly (readonly Block[])[] {
  let inputs = 64
  return shape.depths.map((depth, stage) =>
    Array.from({ length: depth }, (_, i) => {
      const block = blockOf(shape, `layer${stage + 1}.${i}`, stage, inputs, i === 0)
      inputs = channelsOf(shape, stage)
      return block
    }),
  )
}

function blockOf(
  shape: ResNetShape,
  name: string,
  stage: number,
  inputs: number,
  first: boolean,
): Block {
  const stride = first && stage > 0 ? 2 : 1
  const outputs = channelsOf(shape, stage)
  const plain = 64 * 2 ** stage
  const width = plain * (shape.widening ?? 1)
  const layer = (n: number, from: number, to: number, kernel: number, step = 1): ConvLayer => ({
    conv: `${name}.conv${n}`,
    norm: `${name}.bn${n}`,
    inputs: from,
    outputs: to,
    kernel,
    stride: step,
  })
  const layers =
    shape.block === 'basic'
      ? [layer(1, inputs, plain, 3, stride), layer(2, plain, plain, 3)]
      : [layer(1, inputs, width, 1), layer(2, width, width, 3, stride), layer(3, width, outputs, 1)]
  const shortcut: ConvLayer = {
    conv: `${name}.downsample.0`,
    norm: `${name}.downsample.1`,
    inputs,
    outputs,
    kernel: 1,
    stride,
  }
  return { layers, shortcut: stride !== 1 || inputs !== outputs ? shortcut : undefined }
}
