import { fileURLToPath } from 'node:url'
import { decodeImage, fetchBytes, type ImageSource } from '@cflow/detector'
import { loadEncoderWeights } from '@cflow/encoders/node'
import type { MethodName } from '@cflow/methods'
import { readBytes } from '@cflow/weights/node'
import {
  maxWeightsBytes,
  trainIn,
  type TrainDetectorOptions,
  type TrainedDetector,
  type TrainingPlace,
} from './train-detector.js'

export * from './shared.js'

const place: TrainingPlace<ImageSource> = {
  decode: decodeImage,
  weightsOf: loadEncoderWeights,
  read(where) {
    const text = String(where)
    if (/^https?:/i.test(text)) return fetchBytes(text, maxWeightsBytes, 'WEIGHTS')
    return readBytes(/^file:/i.test(text) ? fileURLToPath(text) : text)
  },
}

/**
 * Train a detector on images of good parts: paths, URLs, encoded images as bytes or Blobs, or pixels, whatever
 * `detect` of @cflow/detector takes. It runs on onnxruntime-node unless a runtime is given.
 * @param images 30 to 300 make a useful detector; they are read in turn and not kept
 * @throws CflowError TOO_FEW_IMAGES, CONFIG (settings), NOT_FOUND, IMAGE, WEIGHTS, USAGE, CHECKPOINT, IO, NETWORK, RUNTIME;
 *   the signal's reason when it is aborted
 */
export const trainDetector = <N extends MethodName = 'cflow'>(
  images: readonly ImageSource[],
  options: TrainDetectorOptions<ImageSource, N> = {},
): Promise<TrainedDetector> => trainIn(place, images, options)
