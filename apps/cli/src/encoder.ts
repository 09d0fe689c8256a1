import {
  encoderModel,
  encoderSpec,
  normalised,
  onnxEncoderModel,
  onnxInputSize,
} from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig, type TrainConfig, type TrainOptions } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import type { Weights } from '@cflow/weights'
import { inFile, readBytes, sha256OfFile } from '@cflow/weights/node'
import { basename } from 'node:path'
import { usage } from './settings/parse.js'
import type { EncoderSettings } from './settings/schema.js'
import { kebab } from './settings/settings.js'

/**
 * Settings of a training, complete, and its encoder: a name, or an ONNX file. `open` reads or fetches it when the rest of
 * the settings is known to be good.
 * @throws CflowError USAGE for settings that exclude each other, and what reading the file throws
 */
export async function prepareEncoder(options: TrainOptions, settings: EncoderSettings) {
  const { encoder } = options
  if (encoder !== undefined && /\.onnx$/i.test(encoder))
    return prepareOnnx(encoder, options, settings)
  const onnxKeys = ['taps', 'mean', 'std', 'prefixTokens'] as const
  const foreign = onnxKeys.find((key) => settings[key] !== undefined)
  if (foreign) {
    const flag = `--${kebab(foreign)}`
    const hint = 'give the file with --encoder model.onnx'
    throw usage(flag, `${flag} is for an encoder that is an ONNX file`, hint)
  }
  const config = resolveConfig(options)
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const { poolLayers, inputSize } = config
  const open = async () =>
    encoderModel(spec, await weightsOf(spec.name, settings), poolLayers, inputSize)
  return { config, open }
}

/** Weights of an encoder from a file, else those on this machine. */
export function weightsOf(
  encoder: string,
  { weights, weightsKey: key }: Pick<EncoderSettings, 'weights' | 'weightsKey'>,
): Promise<Weights> {
  if (key !== undefined && weights === undefined)
    throw usage('--weights-key', '--weights-key is for a file that is given with --weights')
  return loadEncoderWeights(encoder, { ...(weights !== undefined && { weights }), key })
}

/** Says of an error that it is of a file: for `catch`. */
export const ofFile =
  (path: string) =>
  (error: unknown): never =>
    inFile(path, () => {
      throw error
    })

/** What torchvision's models are trained with. */
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

async function prepareOnnx(path: string, options: TrainOptions, settings: EncoderSettings) {
  const { taps, mean = imagenet.mean, std = imagenet.std, prefixTokens } = settings
  const { weights, weightsKey } = settings
  for (const [flag, value] of [
    ['--weights', weights],
    ['--weights-key', weightsKey],
  ] as const)
    if (value !== undefined)
      throw usage(flag, `an ONNX file holds its weights: ${flag} does not go with it`)
  if (taps === undefined)
    throw usage(
      '--taps',
      'which values of the ONNX file are the feature maps? --taps is missing',
      `'cflow encoders taps ${path}' lists them`,
    )
  if (std.some((s) => s <= 0)) throw usage('--std', '--std needs numbers above 0')
  const bytes = await readBytes(path)
  const onnx: NonNullable<TrainConfig['onnx']> = {
    ...{ digest: await sha256OfFile(path), taps, mean: [...mean], std: [...std] },
    ...(prefixTokens !== undefined && { prefixTokens }),
  }
  const config = resolveConfig({
    ...options,
    encoder: basename(path),
    onnx,
    inputSize: options.inputSize ?? inFile(path, () => onnxInputSize(bytes)),
    poolLayers: options.poolLayers ?? (Math.min(taps.length, 3) as 1 | 2 | 3),
  })
  const { inputSize, poolLayers, encoder: name } = config
  const encoder = { name, inputSize, ...onnx }
  const open = (runtime: Runtime) =>
    onnxEncoderModel(bytes, encoder, poolLayers, runtime).catch(ofFile(path))
  return { config, open }
}
