import { decodeImage, fetchBytes, type ImageSource } from '@cflow/detector'
import { encoderSpec, fitWeights } from '@cflow/encoders'
import { embeddedWeightsUrl } from '@cflow/encoders/embedded'
import type { MethodName } from '@cflow/methods'
import { readWeights } from '@cflow/weights'
import {
  maxWeightsBytes,
  trainIn,
  type TrainDetectorOptions,
  type TrainedDetector,
  type TrainingPlace,
} from './train-detector.js'

export * from './shared.js'

const read = (url: string) => fetchBytes(url, maxWeightsBytes, 'WEIGHTS')

const place: TrainingPlace<ImageSource> = {
  decode: decodeImage,
  /** The ones that are part of @cflow/encoders, which a bundler serves beside the page. */
  async weightsOf(encoder) {
    const { name, parameters } = encoderSpec(encoder)
    const { href } = embeddedWeightsUrl(name)
    return fitWeights(parameters, readWeights(await read(href)), name)
  },
  read: (where) => read(new URL(String(where), globalThis.location?.href).href),
}

/**
 * Train a detector on images of good parts: Files, Blobs, URLs, pixels, or what a canvas draws, whatever `detect` of
 * @cflow/detector takes. It runs on onnxruntime-web (WebGPU where there is one, else WASM) unless a runtime is given;
 * in a worker the page stays responsive.
 * @param images 30 to 300 make a useful detector; they are read in turn and not kept
 * @throws CflowError TOO_FEW_IMAGES, CONFIG (settings), NOT_FOUND, IMAGE, WEIGHTS, USAGE, CHECKPOINT, NETWORK, RUNTIME;
 *   the signal's reason when it is aborted
 */
export const trainDetector = <N extends MethodName = 'cflow'>(
  images: readonly ImageSource[],
  options: TrainDetectorOptions<ImageSource, N> = {},
): Promise<TrainedDetector> => trainIn(place, images, options)
