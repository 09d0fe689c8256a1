import { CflowError } from '@cflow/base'
import type { Value } from '@cflow/graph'
import type { PublishedWeights, Weights } from '@cflow/weights'

/** One feature map that an encoder gives: a tap but for the height and width, which follow from the input size. */
export interface EncoderTap {
  /** Name of the module whose output it is, such as `blocks.4` or `layer2`. */
  readonly name: string
  readonly channels: number
  /** Image pixels per position of the map, along each axis. */
  readonly stride: number
}

/** One tensor of an encoder's state dict. */
export interface Parameter {
  /** Key in the published weight file. */
  readonly key: string
  readonly shape: readonly number[]
  /** Key of the same tensor in timm's naming, where it differs. */
  readonly alias?: string
}

/** What an encoder is: everything about it but its numbers. */
export interface EncoderSpec {
  /** Such as `efficientnet-lite0`. */
  readonly name: string
  /** Mean of each colour (red, green, blue) on pixels scaled to 0..1, subtracted before the encoder. */
  readonly mean: readonly [number, number, number]
  /** Deviation of each colour, divided by after the mean is subtracted. */
  readonly std: readonly [number, number, number]
  /** Finest first. */
  readonly taps: readonly EncoderTap[]
  /** How padded convolutions fill the border: TensorFlow's SAME zeros, PyTorch's zeros, reflection, or as a model has it. */
  readonly padding: Padding | 'own'
  /** SPDX identifier of the licence of the published weights. */
  readonly license: string
  readonly weights?: PublishedWeights
  /** SHA-256 of the file that the encoder is read from, where it is none of this package's. */
  readonly digest?: string
  /** What was taken for granted of the taps of a model from elsewhere, in words, where their shapes leave it open. */
  readonly assumed?: readonly string[]
  /** Present where the graph takes one image at a time. */
  readonly batch?: 1
  /** The tensors that the taps need, in state dict order. */
  readonly parameters: readonly Parameter[]
  /**
   * The encoder as a graph, its batch norms folded into the convolutions and its weights in it as constants.
   * Nothing after the last tap is built.
   * @param image float32 [N, 3, S, S], normalised with `mean` and `std`; S known in advance, N may be symbolic
   * @param weights state dict; see `fitWeights` for the key names that are understood
   * @returns one map [N, channels, ⌈S/stride⌉, ⌈S/stride⌉] per tap, finest first
   * @throws CflowError WEIGHTS when a tensor is missing or has another shape, SHAPE when the image does not fit
   */
  build(image: Value, weights: Weights): readonly Value[]
  /** The same with one more tap, finer than the others, where there is one. */
  readonly finer?: Pick<EncoderSpec, 'taps' | 'build'>
}

/** How many taps an encoder gives, from the coarsest. */
export type PoolLayers = 1 | 2 | 3 | 4

export type Padding = 'same' | 'zeros' | 'reflect'

export interface EncoderOptions {
  /** Border of a ResNet's padded convolutions; the paper's code reflects, which is the default. */
  readonly padding?: 'reflect' | 'zeros'
}

/** An encoder of this package. */
export interface NamedEncoder {
  readonly name: string
  spec(options: EncoderOptions): EncoderSpec
}

/** The normalisation of every model trained the torchvision way. */
export const imagenet = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const

/**
 * The same encoder with another number of pool layers (the paper's L): 3 are those of strides 8, 16 and 32, 2 the last two, 1
 * the last; 4 begin at stride 4.
 * @throws CflowError USAGE for a number that the encoder does not have
 */
export function selectTaps(spec: EncoderSpec, poolLayers: PoolLayers): EncoderSpec {
  const all = poolLayers > spec.taps.length ? (spec.finer ?? spec) : spec
  if (!(poolLayers >= 1 && Number.isInteger(poolLayers)) || poolLayers > all.taps.length)
    throw new CflowError('USAGE', `${spec.name} has no ${poolLayers} pool layers`, {
      subject: 'poolLayers',
      hint: `use a number from 1 to ${(spec.finer ?? spec).taps.length}`,
    })
  return {
    ...spec,
    taps: all.taps.slice(-poolLayers),
    build: (image, weights) => all.build(image, weights).slice(-poolLayers),
  }
}
