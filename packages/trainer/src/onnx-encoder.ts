import { onnxEncoder } from '@cflow/encoders'
import type { OnnxEncoderOptions, RunModel } from '@cflow/encoders'
import type { Runtime } from '@cflow/runtimes'
import { encoderModel } from './encoding.js'
import type { EncoderModel } from './encoding.js'

/**
 * An ONNX image model as the encoder of a training.
 * @throws CflowError as `onnxEncoder`, and USAGE for more pool layers than taps
 */
export async function onnxEncoderModel(
  bytes: Uint8Array,
  options: Omit<OnnxEncoderOptions, 'run'>,
  poolLayers: 1 | 2 | 3,
  runtime: Runtime,
): Promise<EncoderModel> {
  const spec = await onnxEncoder(bytes, { ...options, run: runOnce(runtime) })
  return encoderModel(spec, new Map(), poolLayers, options.inputSize)
}

/** A runtime for models that are run once. */
export const runOnce =
  (runtime: Runtime): RunModel =>
  async (model, feeds) => {
    const session = await runtime.createSession(model)
    try {
      return await session.run(feeds)
    } finally {
      await session.release()
    }
  }
