import { CflowError, messageOf, sizeOf, tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { input, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { imagenet } from '../spec.js'
import type { EncoderSpec } from '../spec.js'
import { candidateTaps, findTaps } from './candidates.js'
import { asMap, layoutOf } from './layout.js'
import type { Layout } from './layout.js'
import { checkMovable, imageInputOf, joined } from './model.js'
import type { ImageInput } from './model.js'

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

/** One tap at one input size. */
interface Tap {
  readonly name: string
  readonly layout: Layout
  readonly half: boolean
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
      {
        subject: 'taps',
        hint: 'name values of the graph: --taps a,b,c',
      },
    )
  const source = imageInputOf(bytes)
  checkSize(source, size)
  const of = (image: Value): readonly Value[] => findTaps(joined(bytes, source, image), names)
  const values = of(symbolicImage(size))
  checkMovable(values)
  const model = writeOnnx(Object.fromEntries(values.map((v, i) => [`tap${i}`, v])))
  const outputs = await measured(model, options.run, size)
  const taps = names
    .map((tap, i): Tap & { readonly index: number } => {
      const { shape, dtype } = outputs[`tap${i}`] as Tensor
      if (dtype !== 'float32' && dtype !== 'float16')
        throw new CflowError('MODEL', `${tap} holds ${dtype}, no features`, { subject: tap })
      const layout = layoutOf(tap, shape, options.prefixTokens)
      return { name: tap, layout, half: dtype === 'float16', index: i }
    })
    .sort((a, b) => b.layout.height - a.layout.height || a.index - b.index)
  const several = await takesSeveral(model, options.run, size, outputs)
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
    ...(!several && { batch: 1 }),
    parameters: [],
    build: (image) => {
      if (image.shape[2] !== size || image.shape[3] !== size)
        throw new CflowError('SHAPE', `${name} was made for images of ${size} pixels`)
      const found = of(image)
      return taps.map(({ layout, half, index }) =>
        asMap(found[index] as Value, layout, image.shape[0] as Value['shape'][number], half),
      )
    },
  }
}

/** A value of a model that could be a tap. */
export interface TapCandidate {
  readonly name: string
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly kind: Layout['kind']
}

/**
 * The values of an ONNX model that are likely to be worth tapping, in the graph's order, with what they give for an image.
 * @throws CflowError as `onnxEncoder`
 */
export async function onnxTaps(
  bytes: Uint8Array,
  options: Pick<OnnxEncoderOptions, 'inputSize' | 'prefixTokens' | 'run'>,
): Promise<readonly TapCandidate[]> {
  const { inputSize: size, prefixTokens, run } = options
  const source = imageInputOf(bytes)
  checkSize(source, size)
  const model = joined(bytes, source, symbolicImage(size))
  const names = candidateTaps(model)
  const values = findTaps(model, names)
  checkMovable(values)
  const outputs = await measured(
    writeOnnx(Object.fromEntries(values.map((v, i) => [`tap${i}`, v]))),
    run,
    size,
  )
  return names.flatMap((name, i) => {
    try {
      const layout = layoutOf(name, (outputs[`tap${i}`] as Tensor).shape, prefixTokens)
      return layout.height > 1 ? [{ name, ...layout }] : []
    } catch (error) {
      if (error instanceof CflowError) return [] // no map
      throw error
    }
  })
}

/** The input size that an ONNX model fixes, or undefined where it takes any. @throws CflowError MODEL */
export const onnxInputSize = (bytes: Uint8Array): number | undefined => imageInputOf(bytes).size

const symbolicImage = (size: number): Value => input('image', 'float32', ['N', 3, size, size])

function checkSize({ size: fixed }: ImageInput, size: number): void {
  if (fixed === undefined || fixed === size) return
  throw new CflowError('CONFIG', `the model takes images of ${fixed} pixels only, not of ${size}`, {
    subject: 'inputSize',
    hint: `use --input-size ${fixed}, or export the model with dynamic height and width`,
  })
}

const black = (n: number, size: number): Tensor => {
  const shape = [n, 3, size, size]
  return tensor('float32', shape, new Float32Array(sizeOf(shape)))
}

async function measured(
  model: Uint8Array,
  run: RunModel,
  size: number,
): Promise<Readonly<Record<string, Tensor>>> {
  try {
    return await run(model, { image: black(1, size) })
  } catch (error) {
    throw new CflowError(
      'MODEL',
      `the model does not run on an image of ${size} pixels: ${messageOf(error)}`,
      { hint: 'use the size it was exported for: --input-size N', cause: error },
    )
  }
}

/** Whether the model gives two results for two images: some exports hold a batch of one in their reshapes. */
async function takesSeveral(
  model: Uint8Array,
  run: RunModel,
  size: number,
  one: Readonly<Record<string, Tensor>>,
): Promise<boolean> {
  try {
    const two = await run(model, { image: black(2, size) })
    return Object.entries(one).every(
      ([name, { shape }]) => two[name]?.shape.join() === [2, ...shape.slice(1)].join(),
    )
  } catch {
    return false
  }
}
