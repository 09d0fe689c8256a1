import { CflowError } from '@cflow/base'
import {
  encoderModel,
  encoderSpec,
  normalised,
  onnxEncoderModel,
  onnxInputSize,
  type EncoderModel,
} from '@cflow/encoders'
import { inFile, loadEncoderWeights, readBytes, sha256OfFile } from '@cflow/encoders/node'
import type { Runtime } from '@cflow/runtimes'
import { resolveConfig, type TrainConfig, type TrainOptions } from '@cflow/methods'
import { basename } from 'node:path'
import type { OnnxSettings } from '../settings/schema.js'

export interface EncoderSettings extends OnnxSettings {
  readonly weights?: string | undefined
}

/** Settings of a training, complete, and its encoder. */
export interface Prepared {
  readonly config: TrainConfig
  /** Read or fetched when the rest of the settings is known to be good. */
  open(runtime: Runtime): Promise<EncoderModel>
}

export const isOnnxFile = (encoder: string | undefined): encoder is string =>
  encoder !== undefined && /\.onnx$/i.test(encoder)

/**
 * The encoder that the settings choose: a name, or an ONNX file.
 * @throws CflowError USAGE for settings that exclude each other, and what reading the file throws
 */
export async function prepareEncoder(
  options: TrainOptions,
  settings: EncoderSettings,
): Promise<Prepared> {
  if (isOnnxFile(options.encoder)) return prepareOnnx(options.encoder, options, settings)
  for (const [key, flag] of onnxFlags)
    if (settings[key] !== undefined)
      throw new CflowError('USAGE', `${flag} is for an encoder that is an ONNX file`, {
        subject: flag,
        hint: 'give the file with --encoder model.onnx',
      })
  const config = resolveConfig(options)
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  return {
    config,
    async open() {
      const { weights } = settings
      const tensors = await loadEncoderWeights(spec.name, weights === undefined ? {} : { weights })
      return encoderModel(spec, tensors, config.poolLayers, config.inputSize)
    },
  }
}

const onnxFlags = [
  ['taps', '--taps'],
  ['mean', '--mean'],
  ['std', '--std'],
  ['prefixTokens', '--prefix-tokens'],
] as const

/** What torchvision's models are trained with. */
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

async function prepareOnnx(
  path: string,
  options: TrainOptions,
  settings: EncoderSettings,
): Promise<Prepared> {
  const { taps, mean = imagenet.mean, std = imagenet.std, prefixTokens, weights } = settings
  if (weights !== undefined)
    throw new CflowError('USAGE', 'an ONNX file holds its weights: --weights does not go with it', {
      subject: '--weights',
    })
  if (taps === undefined)
    throw new CflowError(
      'USAGE',
      'which values of the ONNX file are the feature maps? --taps is missing',
      {
        subject: '--taps',
        hint: `'cflow encoders taps ${path}' lists them`,
      },
    )
  if (std.some((s) => s <= 0))
    throw new CflowError('USAGE', '--std needs numbers above 0', { subject: '--std' })
  const bytes = await readBytes(path)
  const size = options.inputSize ?? inFile(path, () => onnxInputSize(bytes))
  const config = resolveConfig({
    ...options,
    encoder: basename(path),
    onnx: {
      digest: await sha256OfFile(path),
      taps,
      mean: [...mean],
      std: [...std],
      ...(prefixTokens !== undefined && { prefixTokens }),
    },
    inputSize: size,
    poolLayers: options.poolLayers ?? (Math.min(taps.length, 3) as 1 | 2 | 3),
  })
  const { inputSize, poolLayers, encoder: name, onnx } = config
  const encoder = { name, inputSize, ...onnx! }
  return {
    config,
    async open(runtime) {
      try {
        return await onnxEncoderModel(bytes, encoder, poolLayers, runtime)
      } catch (error) {
        return inFile(path, () => {
          throw error
        })
      }
    },
  }
}
