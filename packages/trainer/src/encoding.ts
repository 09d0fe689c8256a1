import { CflowError, tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import {
  detectorNames,
  encode,
  encodePixels,
  imageInput,
  likelihoodMap,
  resampledImage,
  rowsOfMap,
} from '@cflow/core'
import type { Encoder, ScaleFlow } from '@cflow/core'
import { type EncoderSpec, selectTaps } from '@cflow/encoders'
import { cast, input, transpose, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Runtime, Session } from '@cflow/runtimes'
import type { Weights } from '@cflow/weights'

/** One scale of an encoder at a given input size. */
export interface ScaleShape {
  readonly tap: string
  readonly depth: number
  readonly stride: number
  readonly height: number
  readonly width: number
}

/** An encoder with its weights, for detectors of one input size. */
export interface EncoderModel {
  readonly spec: EncoderSpec
  readonly encoder: Encoder
  readonly inputSize: number
  /** Finest first. */
  readonly scales: readonly ScaleShape[]
}

export function encoderModel(
  spec: EncoderSpec,
  weights: Weights,
  poolLayers: 1 | 2 | 3,
  inputSize: number,
): EncoderModel {
  const selected = selectTaps(spec, poolLayers)
  const encoder: Encoder = {
    mean: spec.mean,
    std: spec.std,
    taps: (pixels) => selected.build(pixels, weights),
  }
  const probe = encoder.taps(input('probe', 'float32', ['N', 3, inputSize, inputSize]))
  const scales = selected.taps.map((tap, k): ScaleShape => {
    const [, depth, height, width] = probe[k]?.shape as readonly number[]
    if (!depth || !height || !width)
      throw new CflowError('SHAPE', `tap ${tap.name} of ${spec.name} has no fixed size`)
    return { tap: tap.name, depth, stride: tap.stride, height, width }
  })
  return { spec: selected, encoder, inputSize, scales }
}

/** The flows as a model from `image` to the likelihoods per dimension of every scale (`log_likelihood_k`). */
export function likelihoodModel(model: EncoderModel, flows: readonly ScaleFlow[]): Uint8Array {
  const maps = encode(imageInput(), model.encoder, model.inputSize)
  return writeOnnx(
    Object.fromEntries(
      flows.map((f, k) => [
        detectorNames.logLikelihood(k),
        likelihoodMap(maps[k] as Value, f, `flow${k}`),
      ]),
    ),
  )
}

/** What of an image is extracted: from pixels float32 [N, 3, S, S] in 0 … 255 to any values. */
export type View = (pixels: Value, encoder: Encoder) => readonly Value[]

/** The taps as rows [N·h·w, D]. */
export const tapRows: View = (pixels, encoder) => encodePixels(pixels, encoder).map(rowsOfMap)

/** Resizes images by the graph's one resampler, and turns pixels into feature vectors. */
export interface FeatureExtractor {
  /** @returns uint8 [S, S, 3] */
  resize(image: RgbImage): Promise<Uint8Array>
  /**
   * @param pixels uint8 [S, S, 3]
   * @returns what the view gives: by default the taps' rows, per scale float32 [h·w, D]
   */
  extract(pixels: Uint8Array): Promise<readonly Float32Array[]>
  release(): Promise<void>
}

export async function featureExtractor(
  runtime: Runtime,
  model: EncoderModel,
  view: View = tapRows,
): Promise<FeatureExtractor> {
  const { inputSize: size, encoder } = model
  const resized = resampledImage(imageInput(), size)
  const resizer = await runtime.createSession(writeOnnx({ pixels: resized }))
  const pixels = input('pixels', 'uint8', ['N', size, size, 3])
  const planes = cast(transpose(pixels, [0, 3, 1, 2]), 'float32')
  const features = view(planes, encoder)
  const session: Session = await runtime.createSession(
    writeOnnx(Object.fromEntries(features.map((rows, k) => [`rows${k}`, rows]))),
  )
  return {
    async resize(image) {
      const { width, height, data } = image
      if (width === size && height === size) return data
      const got = await resizer.run({ image: tensor('uint8', [1, height, width, 3], data) })
      return (got['pixels'] as Tensor<'uint8'>).data
    },
    async extract(data) {
      const got = await session.run({ pixels: tensor('uint8', [1, size, size, 3], data) })
      return features.map((_, k) => (got[`rows${k}`] as Tensor<'float32'>).data)
    },
    async release() {
      await resizer.release()
      await session.release()
    },
  }
}
