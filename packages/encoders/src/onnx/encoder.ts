import { CflowError, messageOf, zeros, type Tensor } from '@cflow/base'
import { input, writeOnnx, type OnnxModel, type Value } from '@cflow/graph'
import { imagenet, type EncoderSpec } from '../spec.js'
import { candidateTaps, findTaps } from './candidates.js'
import { asMap, layoutOf, type Layout } from './layout.js'
import { checkMovable, imageInputOf, joined } from './model.js'

/** Runs an ONNX model once: its outputs by name. */
export type RunModel = (
  model: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
) => Promise<Readonly<Record<string, Tensor>>>

export interface OnnxEncoderOptions {
  /** What the encoder is called in manifests and messages, such as the file's name. */
  readonly name: string
  /** Names of one to three inner values (or outputs) of the graph. */
  readonly taps: readonly string[]
  /** On pixels scaled to 0..1; ImageNet's unless told. */
  readonly mean?: readonly [number, number, number]
  readonly std?: readonly [number, number, number]
  /** S: images are S×S pixels. */
  readonly inputSize: number
  /** Tokens before those of the image in a transformer's taps; found by itself for none and for a class token. */
  readonly prefixTokens?: number | undefined
  /** SHA-256 of the file, for manifests. */
  readonly digest?: string
  readonly run: RunModel
}

/**
 * Any ONNX image model as an encoder, with values of its graph as taps: feature maps of a CNN [N, C, h, w] (or
 * [N, h, w, C]) or tokens of a transformer [N, tokens, C]. The model is run once on a black image to see what the taps
 * give, and once on two to see whether it takes several at a time.
 * @returns an encoder of that input size, whose weights are in its graph; taps sorted finest first
 * @throws CflowError MODEL for a file that is none or that cannot be an encoder, NOT_FOUND for a tap that does not exist
 *   (with those that do), CONFIG for an input size that the model does not take, USAGE for no taps or too many
 */
export async function onnxEncoder(
  bytes: Uint8Array,
  options: OnnxEncoderOptions,
): Promise<EncoderSpec> {
  const { name, taps: names, mean = imagenet.mean, std = imagenet.std, inputSize: size } = options
  if (names.length < 1 || names.length > 3 || new Set(names).size !== names.length)
    throw new CflowError(
      'USAGE',
      `an encoder has one to three different taps, got ${names.length}`,
      { subject: 'taps', hint: 'name values of the graph: --taps a,b,c' },
    )
  const { source, outputs, several } = await tried(bytes, () => names, options)
  const taps = names
    .map((tap, index) => {
      const { shape, dtype } = outputs[index] as Tensor
      if (dtype !== 'float32' && dtype !== 'float16')
        throw new CflowError('MODEL', `${tap} holds ${dtype}, no features`, { subject: tap })
      return { name: tap, layout: layoutOf(tap, shape, options.prefixTokens), dtype, index }
    })
    .sort((a, b) => b.layout.height - a.layout.height || a.index - b.index)
  return {
    name,
    mean,
    std,
    taps: taps.map(({ name: tap, layout }) => ({
      name: tap,
      channels: layout.channels,
      stride: size / layout.height,
    })),
    padding: 'own',
    license: 'unknown',
    ...(options.digest !== undefined && { digest: options.digest }),
    ...(!(await several()) && { batch: 1 }),
    parameters: [],
    build: (image) => {
      if (image.shape[2] !== size || image.shape[3] !== size)
        throw new CflowError('SHAPE', `${name} was made for images of ${size} pixels`)
      const found = findTaps(joined(bytes, source, image), names)
      return taps.map(({ layout, dtype, index }) =>
        asMap(found[index] as Value, layout, image.shape[0] as Value['shape'][number], dtype),
      )
    },
  }
}

/** A value of a model that could be a tap. */
export type TapCandidate = Layout & { readonly name: string }

/**
 * The values of an ONNX model that are likely to be worth tapping, in the graph's order, with what they give for an image.
 * @throws CflowError as `onnxEncoder`
 */
export async function onnxTaps(
  bytes: Uint8Array,
  options: Pick<OnnxEncoderOptions, 'inputSize' | 'prefixTokens' | 'run'>,
): Promise<readonly TapCandidate[]> {
  const { names, outputs } = await tried(bytes, candidateTaps, options)
  return names.flatMap((name, i) => {
    try {
      const layout = layoutOf(name, (outputs[i] as Tensor).shape, options.prefixTokens)
      return layout.height > 1 ? [{ name, ...layout }] : []
    } catch (error) {
      if (error instanceof CflowError) return [] // no map
      throw error
    }
  })
}

/** The input size that an ONNX model fixes, or undefined where it takes any. @throws CflowError MODEL */
export const onnxInputSize = (bytes: Uint8Array): number | undefined => imageInputOf(bytes).size

/** What values of a model give for one black image, and whether the model gives two results for two images. */
async function tried(
  bytes: Uint8Array,
  choose: (model: OnnxModel) => readonly string[],
  { inputSize: size, run }: Pick<OnnxEncoderOptions, 'inputSize' | 'run'>,
) {
  const source = imageInputOf(bytes)
  const { size: own = size } = source
  if (own !== size)
    throw new CflowError('CONFIG', `the model takes images of ${own} pixels only, not of ${size}`, {
      subject: 'inputSize',
      hint: `use --input-size ${own}, or export the model with dynamic height and width`,
    })
  const whole = joined(bytes, source, input('image', 'float32', ['N', 3, size, size]))
  const names = choose(whole)
  const values = findTaps(whole, names)
  checkMovable(values)
  const model = writeOnnx(Object.fromEntries(values.map((v, i) => [`tap${i}`, v])))
  const black = async (n: number): Promise<readonly Tensor[]> => {
    const outputs = await run(model, { image: zeros('float32', [n, 3, size, size]) })
    return names.map((_, i) => outputs[`tap${i}`] as Tensor)
  }
  const outputs = await black(1).catch((error: unknown) => {
    throw new CflowError(
      'MODEL',
      `the model does not run on an image of ${size} pixels: ${messageOf(error)}`,
      { hint: 'use the size it was exported for: --input-size N', cause: error },
    )
  })
  /** Some exports hold a batch of one in their reshapes. */
  const several = async (): Promise<boolean> => {
    const two = await black(2).catch(() => [])
    return outputs.every(({ shape }, i) => two[i]?.shape.join() === [2, ...shape.slice(1)].join())
  }
  return { source, names, outputs, several }
}
