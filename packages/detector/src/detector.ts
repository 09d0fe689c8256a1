import { CflowError, didYouMean, messageOf, type Mask, type RgbImage } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import { checkThreads, openRuntime, type OpenOptions, type Runtime } from '@cflow/runtimes'
import { inBatches } from './batch.js'
import {
  ownThreshold,
  thresholdFor,
  type Detection,
  type DetectionOf,
  type Parts,
  type RatedThreshold,
} from './detection.js'
import { maskAbove } from './mask.js'
import { manifestOf, openSession } from './model.js'
import { scoreImages } from './score.js'
import { decode, readModel, type DetectorSource, type Place } from './sources.js'

/** How to run: a runtime, or how to open the default one (see `openRuntime`). Threads may be given with either. */
export interface LoadOptions extends OpenOptions {
  readonly runtime?: Runtime
}

export interface DetectOptions<P extends Parts = object> {
  /**
   * Share of good images that may be reported as anomalous, between 0 and 1; the threshold follows from it. The stored
   * threshold (`manifest.calibration`) when absent.
   */
  readonly falsePositiveRate?: number | undefined
  /** The score above which an image is anomalous, in place of a rate. */
  readonly threshold?: number | undefined
  /** Set to false what is not needed: `{ map: false }` leaves out the anomaly map, `{ contributions: false }` those. */
  readonly parts?: P
}

/** A detector file, loaded. `Image` is what it takes for an image where it runs (Node, browsers). */
export interface Detector<Image> {
  readonly manifest: Manifest
  /** Name and device of the runtime, such as `onnxruntime-node (cpu)`. */
  readonly runtime: string
  /**
   * Score one image of any size.
   * @throws CflowError IMAGE (cannot be decoded, size out of range), NOT_FOUND, USAGE (a rate outside (0, 1), an option
   *   that does not exist, after `release`), RUNTIME
   */
  detect<const P extends Parts = object>(
    image: Image,
    options?: DetectOptions<P>,
  ): Promise<DetectionOf<P>>
  /**
   * Score many images, which may differ in size: those of one size run together. The results are in the order of the
   * images and the same as alone, up to rounding. The first image that fails fails the call.
   * @throws CflowError as `detect`; the message tells the image's index in the list
   */
  detectBatch<const P extends Parts = object>(
    images: readonly Image[],
    options?: DetectOptions<P> & {
      /** Most images in one run of the model (default 8); more is faster on a GPU and takes more memory. */
      readonly batchSize?: number
    },
  ): Promise<readonly DetectionOf<P>[]>
  /**
   * The score above which an image is anomalous, for a false-positive rate; the stored one without a rate.
   * @throws CflowError USAGE when the rate does not lie between 0 and 1
   */
  threshold(rate?: number): RatedThreshold
  /**
   * The anomalous pixels, S×S: those of the anomaly map above the detection's threshold. The score is the map's maximum, or
   * the mean of its highest pixels: the mask of an anomalous image holds some, and that of another one is empty where the
   * score is the maximum, and small otherwise.
   */
  mask(detection: Pick<Detection, 'anomalyMap' | 'threshold'>): Mask
  /** Free the model's memory, after the runs that have begun. Calling it twice does no harm. */
  release(): Promise<void>
}

/** Read a detector file, and what it says of itself, without running it. */
export async function read(
  place: Place,
  source: DetectorSource,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const file = await readModel(place, source)
  return { model: file.bytes, manifest: manifestOf(file) }
}

/** Load a detector file where strings and images are what `place` takes them for. */
export async function load<Image>(
  place: Place,
  source: DetectorSource,
  options: LoadOptions = {},
): Promise<Detector<Image>> {
  const { runtime: given, threads } = options
  if (given && (options.device ?? options.driver) !== undefined)
    throw new CflowError('USAGE', 'a runtime has its device already: give one of the two', {
      subject: 'device',
    })
  checkThreads(threads)
  const file = await readModel(place, source)
  const manifest = manifestOf(file)
  const runtime = given ?? (await openRuntime(options))
  const session = await openSession(file, manifest, runtime, threads)
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
    return result.finally(() => running.delete(result))
  }

  /** What scores images of one size. */
  const scorer = <P extends Parts>(options: DetectOptions<P>, ...more: readonly string[]) => {
    checkOptions(options, ['falsePositiveRate', 'threshold', 'parts', ...more])
    const { falsePositiveRate: rate, threshold: own, parts } = options
    checkOptions(parts ?? {}, ['map', 'contributions', 'likelihoods', 'scaleMaps'])
    if (rate !== undefined && own !== undefined)
      throw new CflowError('USAGE', 'give falsePositiveRate or threshold, not both', {
        subject: 'threshold',
      })
    const threshold = own === undefined ? thresholdFor(manifest, rate) : ownThreshold(manifest, own)
    return (images: readonly RgbImage[]) =>
      scoreImages<P>(session, manifest, images, threshold, parts)
  }

  return {
    manifest,
    runtime: runtime.name,
    detect: (image, options = {}) =>
      begin(async () => {
        const score = scorer(options)
        const [detection] = await score([await decode(place, image)])
        return detection!
      }),
    detectBatch: (images, options = {}) =>
      begin(async () =>
        inBatches(
          images,
          (image, i) => decode(place, image).catch((error: unknown) => failAt(i, error)),
          scorer(options, 'batchSize'),
          manifest.encoder.batch ?? options.batchSize,
        ),
      ),
    threshold: (rate) => thresholdFor(manifest, rate),
    mask: ({ anomalyMap, threshold }) => maskAbove(anomalyMap, threshold),
    release: () => (released ??= Promise.allSettled([...running]).then(() => session.release())),
  }
}

/** Refuse options that do not exist, which would otherwise be passed over: most often they are misspelt. */
function checkOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return
  throw new CflowError('USAGE', `there is no option ${unknown}`, {
    subject: unknown,
    hint: `${didYouMean(unknown, known)}Options: ${known.join(', ')}.`,
  })
}

/** Throw the same error, telling the image's index in the list. */
function failAt(i: number, error: unknown): never {
  if (!(error instanceof CflowError)) throw error
  const { code, subject, hint } = error
  throw new CflowError(code, `images[${i}]: ${messageOf(error)}`, {
    ...(subject !== undefined && { subject }),
    ...(hint !== undefined && { hint }),
    cause: error,
  })
}
