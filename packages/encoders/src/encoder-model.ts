import type { Weights } from '@cflow/weights'
import { CflowError } from '@cflow/base'
import type { Encoder, Tap } from '@cflow/core'
import { input } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { onnxEncoder, type OnnxEncoderOptions, type RunModel } from './onnx/encoder.js'
import { selectTaps, type EncoderSpec, type PoolLayers } from './spec.js'

/** An encoder with its weights, for detectors of one input size. */
export interface EncoderModel {
  readonly spec: EncoderSpec
  readonly encoder: Encoder
  readonly inputSize: number
  /** Finest first. */
  readonly taps: readonly Tap[]
}

/** @throws CflowError USAGE for more pool layers than taps, WEIGHTS, SHAPE when the input size does not fit */
export function encoderModel(
  spec: EncoderSpec,
  weights: Weights,
  poolLayers: PoolLayers,
  inputSize: number,
): EncoderModel {
  const selected = selectTaps(spec, poolLayers)
  const encoder: Encoder = {
    mean: spec.mean,
    std: spec.std,
    taps: (pixels) => selected.build(pixels, weights),
  }
  const probe = encoder.taps(input('probe', 'float32', ['N', 3, inputSize, inputSize]))
  const taps = selected.taps.map(({ name, stride }, k): Tap => {
    const [, channels, height, width] = probe[k]?.shape as readonly number[]
    if (!channels || !height || !width)
      throw new CflowError('SHAPE', `tap ${name} of ${spec.name} has no fixed size`)
    return { name, channels, stride, height, width }
  })
  return { spec: selected, encoder, inputSize, taps }
}

/**
 * An ONNX image model as an encoder.
 * @throws CflowError as `onnxEncoder`, and USAGE for more pool layers than taps
 */
export async function onnxEncoderModel(
  bytes: Uint8Array,
  options: Omit<OnnxEncoderOptions, 'run'>,
  poolLayers: PoolLayers,
  runtime: Runtime,
): Promise<EncoderModel> {
  const spec = await onnxEncoder(bytes, { ...options, run: runOnce(runtime) })
  return encoderModel(spec, new Map(), poolLayers, options.inputSize)
}

/** A runtime for models that are tried. */
export const runOnce =
  (runtime: Runtime): RunModel =>
  async (model, ...feeds) => {
    const session = await runtime.createSession(model)
    try {
      const results = []
      for (const each of feeds) results.push(await session.run(each))
      return results
    } finally {
      await session.release()
    }
  }

/**
 * What is subtracted from pixels scaled to 0..1, and divided by, before the encoder: `encoder`, what its weights were
 * trained with; `stc`, what the authors use for ShanghaiTech Campus.
 */
export const normalisations = ['encoder', 'stc'] as const

const stc = { mean: [0.5, 0.5, 0.5], std: [0.225, 0.225, 0.225] } as const

/** An encoder that takes its pixels normalised in that way. */
export const normalised = (
  spec: EncoderSpec,
  normalisation: (typeof normalisations)[number],
): EncoderSpec => (normalisation === 'stc' ? { ...spec, ...stc } : spec)
