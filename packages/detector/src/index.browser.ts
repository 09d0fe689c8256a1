import type { RgbImage, AnyBlob, AnyUrl } from '@cflow/base'
import { load, read, type Detector as DetectorOf, type LoadOptions } from './detector.js'
import type { Drawable } from './draw.js'
import { place } from './place.browser.js'
import { decode, type Bytes, type DetectorSource, type Pixels } from './sources.js'

export * from './shared.js'

/**
 * What a detector takes for an image in browsers: pixels in memory (`RgbImage`, `ImageData`), an encoded image as
 * bytes, Blob or File, a URL, or anything that a canvas draws: `ImageBitmap`, `HTMLImageElement`, a canvas, a video's
 * current frame. Alpha is dropped.
 */
export type ImageSource = Pixels | Bytes | AnyBlob | string | AnyUrl | Drawable
export type Detector = DetectorOf<ImageSource>

/**
 * Load a detector file (a `model.onnx` that `cflow train` writes). It runs on onnxruntime-web unless a runtime is
 * given (WebGPU where there is one, else WASM), which is loaded when it is needed.
 * @param source a URL relative to the page, the file's bytes, or a Blob or File
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, NETWORK; RUNTIME where
 *   onnxruntime-web cannot start or there is no such device
 */
export const loadDetector = (source: DetectorSource, options?: LoadOptions): Promise<Detector> =>
  load(place, source, options)

/** Read a detector file and its manifest, without running it. @throws CflowError as `loadDetector`, but RUNTIME */
export const readDetector = (source: DetectorSource) => read(place, source)

/**
 * An image as 8-bit RGB; the orientation in EXIF is applied, colour profiles are not (as in Node).
 * @throws CflowError IMAGE, NOT_FOUND, NETWORK
 */
export const decodeImage = (image: ImageSource): Promise<RgbImage> => decode(place, image)
