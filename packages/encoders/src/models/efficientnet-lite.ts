import { clip, type Value } from '@cflow/graph'
import type { PublishedWeights } from '@cflow/weights'
import { convolve, parametersOf, stemOf } from '../layers/conv.js'
import { encoderOf } from '../layers/encoder.js'
import {
  blockLayers,
  innerOf,
  layersOf,
  roundChannels,
  withResidual,
  type InvertedResidual,
} from '../layers/inverted-residual.js'
import { timm } from '../published.js'
import type { EncoderTap, NamedEncoder } from '../spec.js'

/** Stages of EfficientNet-B0: blocks, kernel, stride of the first block, expansion, channels. */
const stages = [
  { depth: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
  { depth: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
  { depth: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
  { depth: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
  { depth: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
  { depth: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
] as const
/** Stages whose last block is tapped: the last of each stride 4, 8, 16 and 32 (the 320-channel stage is left out). */
const tapped = [1, 2, 4, 5]

const timmStem = { conv: 'conv_stem', norm: 'bn1' }
const stem = stemOf({ conv: '_conv_stem', norm: '_bn0', timm: timmStem }, 32, 3)

/** By name; their multipliers of width and depth over Lite0, whose weights are in this package. */
export const efficientNetLites: readonly NamedEncoder[] = [
  efficientNetLite('efficientnet-lite0', 1, 1),
  efficientNetLite('efficientnet-lite1', 1, 1.1, timm('tf_efficientnet_lite1-bde8b488.pth')),
  efficientNetLite('efficientnet-lite2', 1.1, 1.2, timm('tf_efficientnet_lite2-dcccb7df.pth')),
]

/**
 * EfficientNet-Lite (Tan and Le, arXiv 1905.11946; Google's Lite variant without squeeze-and-excitation, with ReLU6).
 * Taps are block outputs, after batch norm and residual. Keys are those of the published PyTorch files
 * (`_blocks.4._project_conv.weight`); timm's are aliases.
 */
function efficientNetLite(
  name: string,
  width: number,
  depth: number,
  weights?: PublishedWeights,
): NamedEncoder {
  const spec = () => {
    const blocks = blocksOf(width, depth)
    return encoderOf(
      {
        name,
        mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5],
        taps: blocks.flatMap((b) => b.tap ?? []),
        padding: 'same',
        license: 'Apache-2.0',
        ...(weights && { weights }),
        parameters: [stem, ...blocks.flatMap(layersOf)].flatMap(parametersOf),
      },
      1e-3,
      (image, context) => {
        let x = relu6(convolve(image, stem, context))
        return blocks.flatMap((block) => {
          x = withResidual(convolve(innerOf(x, block, context), block.project, context), x, block)
          return block.tap ? [x] : []
        })
      },
    )
  }
  return { name, spec }
}

const relu6 = (x: Value): Value => clip(x, 0, 6)

/** Lite scales neither the stem nor the depth of the first stage. */
function blocksOf(width: number, depth: number) {
  const blocks: (InvertedResidual & { readonly tap: EncoderTap | undefined })[] = []
  let inputs = stem.outputs
  let total = 2
  stages.forEach(({ kernel, expansion, channels, ...stage }, s) => {
    const outputs = roundChannels(channels * width)
    const last = s === 0 ? stage.depth : Math.ceil(stage.depth * depth)
    total *= stage.stride
    for (let r = 1; r <= last; r++) {
      const index = blocks.length
      const keys = (layer: string, n: number) => ({
        conv: `_blocks.${index}._${layer}_conv`,
        norm: `_blocks.${index}._bn${n}`,
      })
      const all = { expand: keys('expand', 0), depthwise: keys('depthwise', 1), project: keys('project', 2) } // prettier-ignore
      const shape = { inputs, outputs, kernel, stride: r === 1 ? stage.stride : 1 }
      const tap = { name: `blocks.${index}`, channels: outputs, stride: total }
      blocks.push({
        ...blockLayers(all, `blocks.${s}.${r - 1}`, shape, inputs * expansion),
        activate: relu6,
        tap: tapped.includes(s) && r === last ? tap : undefined,
      })
      inputs = outputs
    }
  })
  return blocks
}
