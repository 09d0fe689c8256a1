import { add, maxPool, relu, type Value } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import {
  convolve,
  parametersOf,
  stemOf,
  type BuildContext,
  type ConvLayer,
} from '../layers/conv.js'
import { encoderOf } from '../layers/encoder.js'
import { torchvision } from '../published.js'
import { imagenet, type NamedEncoder } from '../spec.js'

/** Two 3×3 convolutions a block, or 1×1, 3×3, 1×1 with four times the channels at the end. */
type BlockKind = 'basic' | 'bottleneck'

/** A residual block: ReLU between its convolutions and after the sum. */
interface Block {
  readonly layers: readonly ConvLayer[]
  /** Projection of the input, where the block changes its shape. */
  readonly shortcut: ConvLayer | undefined
}

const stem = stemOf({ conv: 'conv1', norm: 'bn1' }, 64, 7)

export const resNets: readonly NamedEncoder[] = [
  resNet('resnet18', 'basic', [2, 2, 2, 2], torchvision('resnet18-5c106cde.pth', 46_827_520)),
  resNet('resnet34', 'basic', [3, 4, 6, 3], torchvision('resnet34-333f7ec4.pth')),
  resNet('resnet50', 'bottleneck', [3, 4, 6, 3], torchvision('resnet50-19c8e357.pth')),
  resNet(
    'wide-resnet50-2',
    'bottleneck',
    [3, 4, 6, 3],
    torchvision('wide_resnet50_2-95faca4d.pth'),
    2,
  ),
]

/**
 * ResNet (He and others, arXiv 1512.03385; Zagoruyko and Komodakis, arXiv 1605.07146 for the wide one) as torchvision
 * has it, the stride in the 3×3 convolution. Taps are layer2, layer3 and layer4; of four, layer1 too. The paper's code fills the border of
 * every padded convolution by reflection, the max-pool's not.
 * @param depths blocks of layer1 … layer4
 * @param widening width of a bottleneck's inner convolutions over the channels of the plain network
 */
function resNet(
  name: string,
  kind: BlockKind,
  depths: readonly number[],
  weights: PublishedWeights,
  widening = 1,
): NamedEncoder {
  const spec: NamedEncoder['spec'] = ({ padding = 'reflect' }) => {
    const stages = stagesOf(kind, depths, widening)
    const layers = stages.flat().flatMap((b) => [...b.layers, ...(b.shortcut ? [b.shortcut] : [])])
    const taps = [1, 2, 3, 4].map((n) => ({
      name: `layer${n}`,
      channels: channelsOf(kind, n - 1),
      stride: 2 ** (n + 1),
    }))
    const parameters = [stem, ...layers].flatMap(parametersOf)
    return encoderOf(
      { name, ...imagenet, taps, padding, license: 'BSD-3-Clause', weights, parameters },
      1e-5,
      (image, context) => {
        let x = maxPool(relu(convolve(image, stem, context)), [3, 3], [2, 2], [1, 1, 1, 1])
        return stages.map((blocks) => (x = blocks.reduce((v, b) => apply(v, b, context), x)))
      },
    )
  }
  return { name, spec }
}

function apply(x: Value, { layers, shortcut }: Block, context: BuildContext): Value {
  const y = layers.reduce((v, layer, i) => convolve(i > 0 ? relu(v) : v, layer, context), x)
  return relu(add(y, shortcut ? convolve(x, shortcut, context) : x))
}

/** Channels that a stage gives. */
const channelsOf = (kind: BlockKind, stage: number): number =>
  64 * 2 ** stage * (kind === 'bottleneck' ? 4 : 1)

function stagesOf(
  kind: BlockKind,
  depths: readonly number[],
  widening: number,
): readonly (readonly Block[])[] {
  let inputs = stem.outputs
  return depths.map((depth, stage) =>
    Array.from({ length: depth }, (_, i): Block => {
      const name = `layer${stage + 1}.${i}`
      const stride = i === 0 && stage > 0 ? 2 : 1
      const outputs = channelsOf(kind, stage)
      const plain = 64 * 2 ** stage
      const width = plain * widening
      const layer = (n: number, from: number, to: number, kernel: number, step = 1): ConvLayer => ({
        conv: `${name}.conv${n}`,
        norm: `${name}.bn${n}`,
        inputs: from,
        outputs: to,
        kernel,
        stride: step,
      })
      const layers =
        kind === 'basic'
          ? [layer(1, inputs, plain, 3, stride), layer(2, plain, plain, 3)]
          : [
              layer(1, inputs, width, 1),
              layer(2, width, width, 3, stride),
              layer(3, width, outputs, 1),
            ]
      const shortcut: ConvLayer = {
        ...layer(0, inputs, outputs, 1, stride),
        conv: `${name}.downsample.0`,
        norm: `${name}.downsample.1`,
      }
      const changes = stride !== 1 || inputs !== outputs
      inputs = outputs
      return { layers, shortcut: changes ? shortcut : undefined }
    }),
  )
}
