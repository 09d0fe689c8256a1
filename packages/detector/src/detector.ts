import { CflowError, messageOf } from '@cflow/base'
import type { Mask, RgbImage } from '@cflow/base'
import type { Manifest, Threshold } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import { inBatches } from './batch.js'
import type { Detection } from './detection.js'
import { maskOf } from './mask.js'
import { openModel } from './model.js'
import type { ModelFile } from './model.js'
import { scoreImages } from './score.js'
import { operatingPoint } from './verdict.js'

export interface DetectOptions {
  /**
   * Share of good images that may be reported as anomalous, between 0 and 1; the threshold follows from it. The stored
   * threshold (`manifest.calibration`) when absent.
   */
  readonly falsePositiveRate?: number
}

export interface BatchOptions extends DetectOptions {
  /** Most images in one run of the model (default 8); more is faster on a GPU and takes more memory. */
  readonly batchSize?: number
}

/** A detector file, loaded. `Image` is what it takes for an image where it runs (Node, browsers). */
export interface Detector<Image> {
  readonly manifest: Manifest
  /** Name and device of the runtime, such as `onnxruntime-node (cpu)`. */
  readonly runtime: string
  /**
   * Score one image of any size.
   * @throws CflowError IMAGE (cannot be decoded, size out of range), NOT_FOUND, USAGE (a rate outside (0, 1), after
   *   `release`), RUNTIME
   */
  detect(image: Image, options?: DetectOptions): Promise<Detection>
  /**
   * Score many images, which may differ in size: those of one size run together. The results are in the order of the
   * images and the same as alone, up to rounding. The first image that fails fails the call.
   * @throws CflowError as `detect`; the message tells the image's place in the list
   */
  detectBatch(images: readonly Image[], options?: BatchOptions): Promise<readonly Detection[]>
  /**
   * The score above which an image is anomalous, for a false-positive rate; the stored one without a rate.
   * @throws CflowError USAGE when the rate does not lie between 0 and 1
   */
  threshold(rate?: number): Threshold
  /** The anomalous pixels, S×S: those of the anomaly map above the detection's threshold. */
  mask(detection: Detection): Mask
  /** Free the model's memory, after the runs that have begun. Calling it twice does no harm. */
  release(): Promise<void>
}

/** Open a detector file; `makeRuntime` and `decode` are what differs from place to place. */
export async function openDetector<Image>(
  file: ModelFile,
  makeRuntime: () => Promise<Runtime>,
  decode: (image: Image) => Promise<RgbImage>,
  threads?: number,
): Promise<Detector<Image>> {
  const model = await openModel(file, makeRuntime, threads)
  const { manifest } = model
  let released: Promise<void> | undefined
  const running = new Set<Promise<unknown>>()

  /** Count work as begun, so that `release` waits for it. */
  const begin = async <T>(work: () => Promise<T>): Promise<T> => {
    if (released)
      throw new CflowError('USAGE', 'the detector was released', {
        subject: file.subject,
        hint: 'load it again, or release it later',
      })
    const result = work()
    running.add(result)
    try {
      return await result
    } finally {
      running.delete(result)
    }
  }

  return {
    manifest,
    runtime: model.runtime.name,
    detect: (image, options = {}) =>
      begin(async () => {
        const operating = operatingPoint(manifest, options.falsePositiveRate)
        const [detection] = await scoreImages(model, [await decode(image)], operating)
        return detection as Detection
      }),
    detectBatch: (images, options = {}) =>
      begin(async () => {
        const operating = operatingPoint(manifest, options.falsePositiveRate)
        return inBatches(
          images,
          (image, i) => decode(image).catch((error: unknown) => Promise.reject(inList(error, i))),
          (group) => scoreImages(model, group, operating),
          manifest.encoder.batch ?? options.batchSize,
        )
      }),
    threshold(rate) {
      const { threshold, guaranteed } = operatingPoint(manifest, rate)
      return { threshold, guaranteed }
    },
    mask: maskOf,
    release: () =>
      (released ??= Promise.allSettled([...running]).then(() => model.session.release())),
  }
}

/** The same error, telling the image's place in the list. */
function inList(error: unknown, i: number): unknown {
  if (!(error instanceof CflowError)) return error
  const { code, subject, hint } = error
  return new CflowError(code, `images[${i}]: ${messageOf(error)}`, {
    ...(subject === undefined ? {} : { subject }),
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
}
