import { CflowError } from '@cflow/base'
import { input, type OnnxModel, type Value } from '@cflow/graph'
import { imagenet, type EncoderSpec } from '../spec.js'
import { candidateTaps, findTaps } from './candidates.js'
import { soundValues } from './faults.js'
import {
  asMap,
  assumptionOf,
  layoutOf,
  likelyPrefix,
  type Layout,
  type LayoutHints,
} from './layout.js'
import { imageInputOf, joined } from './model.js'
import { rolledValues } from './rolled.js'
import { tryValues, type RunModel, type TriedValue } from './trial.js'

export type { RunModel } from './trial.js'

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
 * [N, h, w, C]) or tokens of a transformer [N, tokens, C]. The model is run on images to see what the taps give, and that
 * it is the same for an image alone, with another, twice, and as the file was before it was read.
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
  const { source, tried, several } = await trial(bytes, () => names, options)
  for (const { fault } of tried) if (fault) throw await fault()
  const taps = tried
    .map(({ output, dtype, corners, rolled }, index) => {
      const tap = names[index] as string
      if (dtype !== 'float32' && dtype !== 'float16')
        throw new CflowError('MODEL', `${tap} holds ${dtype}, no features`, { subject: tap })
      if (rolled) throw rolledError(tap)
      const { prefixTokens } = options
      return {
        name: tap,
        layout: layoutOf(tap, output.shape, { prefixTokens, corners }),
        dtype,
        index,
      }
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
    assumed: tried.flatMap(({ output: { shape } }, index) => {
      const { name: tap, layout } = taps.find((t) => t.index === index) as (typeof taps)[number]
      const assumption = assumptionOf(layout, shape, options.prefixTokens)
      return assumption === undefined
        ? []
        : [`${tap}: ${layout.height}×${layout.width}, ${assumption}`]
    }),
    ...(options.digest !== undefined && { digest: options.digest }),
    ...(!several && { batch: 1 as const }),
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

const rolledError = (tap: string): CflowError =>
  new CflowError(
    'MODEL',
    `${tap} is a map that was rolled for shifted windows: what it shows is elsewhere in the image`,
    { subject: tap, hint: 'tap the output of a block' },
  )

/** A value of a model that could be a tap. */
export type TapCandidate = Layout & {
  readonly name: string
  /** What its layout takes for granted, or the setting that it needs. */
  readonly note?: string
}

/**
 * The values of an ONNX model that are likely to be worth tapping, in the graph's order, with what they give for an image.
 * Only what can be a map is among them.
 * @throws CflowError as `onnxEncoder`
 */
export async function onnxTaps(
  bytes: Uint8Array,
  options: Pick<OnnxEncoderOptions, 'inputSize' | 'prefixTokens' | 'run'>,
): Promise<readonly TapCandidate[]> {
  const choose = (model: OnnxModel) => {
    const all = candidateTaps(model)
    const sound = soundValues(all, model)
    return sound.length > 0 ? sound : all // of which the first says what is wrong
  }
  const { names, tried } = await trial(bytes, choose, options)
  const faults = tried.flatMap(({ fault }) => fault ?? [])
  if (faults.length === tried.length && faults[0]) throw await faults[0]()
  return tried.flatMap(({ output, dtype, corners, rolled, fault }, i) => {
    if (fault ?? (rolled || !/^float(16|32)$/.test(dtype))) return []
    return candidate(names[i] as string, output.shape, { ...options, corners })
  })
}

function candidate(
  name: string,
  shape: readonly number[],
  hints: LayoutHints,
): readonly TapCandidate[] {
  const offered = (layout: Layout, note: string | undefined) =>
    layout.height > 1 ? [{ name, ...layout, ...(note !== undefined && { note }) }] : []
  try {
    const layout = layoutOf(name, shape, hints)
    return offered(layout, assumptionOf(layout, shape, hints.prefixTokens))
  } catch (error) {
    if (!(error instanceof CflowError)) throw error
  }
  const prefixTokens = likelyPrefix(shape, hints.corners)
  if (prefixTokens === undefined) return []
  try {
    const layout = layoutOf(name, shape, { ...hints, prefixTokens })
    return offered(layout, `needs --prefix-tokens ${prefixTokens}`)
  } catch (error) {
    if (error instanceof CflowError) return []
    throw error
  }
}

/** The input size that an ONNX model fixes, or undefined where it takes any. @throws CflowError MODEL */
export const onnxInputSize = (bytes: Uint8Array): number | undefined => imageInputOf(bytes).size

/** What values of a model give for images, and which of them are rolled. */
async function trial(
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
  const model = joined(bytes, source, input('image', 'float32', ['N', 3, size, size]))
  const names = choose(model)
  const values = findTaps(model, names)
  const { values: tried, several } = await tryValues({ bytes, model, source, size, run }, names, values) // prettier-ignore
  const all = rolledValues(values)
  const withRolls = tried.map((t, i): TriedValue & { readonly rolled: boolean } => ({
    ...t,
    rolled: all.has(values[i] as Value),
  }))
  return { source, names, several, tried: withRolls }
}
