import type { RgbImage, AnyBlob, AnyUrl } from '@cflow/base'
import { load, read, type Detector as DetectorOf, type LoadOptions } from './detector.js'
import { place } from './place.node.js'
import { decode, type Bytes, type DetectorSource, type Pixels } from './sources.js'

export * from './shared.js'

/**
 * What a detector takes for an image in Node: pixels in memory, a path, a `file:`, `http:` or `https:` URL, or an
 * encoded image (PNG, JPEG, WebP, TIFF, GIF, AVIF) as bytes or Blob.
 */
export type ImageSource = Pixels | string | AnyUrl | Bytes | AnyBlob
export type Detector = DetectorOf<ImageSource>

/**
 * Load a detector file (a `model.onnx` that `cflow train` writes). It runs on onnxruntime-node unless a runtime is
 * given; images are decoded by sharp. Both are loaded when they are needed.
 * @param source a path, a `file:`, `http:` or `https:` URL, the file's bytes, or a Blob
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, IO, NETWORK; RUNTIME where
 *   onnxruntime-node is not installed or lacks the device
 */
export const loadDetector = (source: DetectorSource, options?: LoadOptions): Promise<Detector> =>
  load(place, source, options)

/** Read a detector file and its manifest, without running it. @throws CflowError as `loadDetector`, but RUNTIME */
export const readDetector = (source: DetectorSource) => read(place, source)

/**
 * An image as 8-bit RGB; the orientation in EXIF is applied, colour profiles are not.
 * @throws CflowError IMAGE, NOT_FOUND, IO, NETWORK; RUNTIME where sharp is not installed
 */
export const decodeImage = (image: ImageSource): Promise<RgbImage> => decode(place, image)
