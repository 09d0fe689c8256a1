import { CflowError, type AnyBlob, type AnyUrl } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { encoderModel, encoderSpec, fitWeights, normalised } from '@cflow/encoders'
import { resolveConfig, type MethodName, type TrainOptions } from '@cflow/methods'
import { openRuntime, type OpenOptions, type Runtime } from '@cflow/runtimes'
import { readWeights, type Weights } from '@cflow/weights'
import { fit, type CalibrationScore, type FitOptions } from './fit.js'
import type { Suspicion } from './suspicious.js'

/** A file of weights (.safetensors, .pth): its bytes, or where it is (in Node a path or URL, in browsers a URL). */
export type WeightsSource = string | AnyUrl | AnyBlob | Uint8Array | ArrayBuffer

/** Settings of the method (what is absent comes from its recipe), and how to train. */
export type TrainDetectorOptions<Image, N extends MethodName = MethodName> = TrainOptions<N> &
  Pick<FitOptions, 'checkpoints' | 'resume' | 'onProgress' | 'previews' | 'signal' | 'finish'> &
  OpenOptions & {
    /** What the images show; it is kept in the detector file (default `images`). */
    readonly category?: string
    /** A handful of defective images: nothing is learned from them, the threshold is placed by them. */
    readonly knownDefects?: readonly Image[]
    /** Weights of the encoder; by default those that are there (EfficientNet-Lite0's always are). */
    readonly weights?: WeightsSource
    /** What to run on, instead of what `openRuntime` opens with `device`, `driver`, `threads` and `wasmPaths`. */
    readonly runtime?: Runtime
  }

export interface TrainedDetector {
  /** The detector file, for `loadDetector` or to be stored. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  /** The images that set the threshold; `index` is that of the list. */
  readonly calibration: readonly CalibrationScore[]
  /** Images that were left out (`dropSuspicious`), the worst first. */
  readonly dropped: readonly Suspicion[]
  /** What is to be said of the images, a sentence each. */
  readonly remarks: readonly string[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/** No file of weights that is fetched is larger than this. */
export const maxWeightsBytes = 2 ** 31 - 1

/** What differs between Node and browsers. */
export interface TrainingPlace<Image> {
  decode(image: Image): ReturnType<Sample['load']>
  /** Where weights are, when they are not given. */
  weightsOf(encoder: string): Promise<Weights>
  /** The file at a path or URL. */
  read(where: string | AnyUrl): Promise<Uint8Array>
}

export async function trainIn<Image, N extends MethodName>(
  place: TrainingPlace<Image>,
  images: readonly Image[],
  options: TrainDetectorOptions<Image, N>,
): Promise<TrainedDetector> {
  const { category = 'images', knownDefects, weights: given, runtime: own, ...others } = options
  const { checkpoints, resume, onProgress, previews, signal, finish, ...more } = others
  const { device, driver, threads, wasmPaths, ...settings } = more
  const samples = samplesOf(place, images, 'images')
  const defects = knownDefects && samplesOf(place, knownDefects, 'knownDefects')
  const config = resolveConfig<MethodName>(settings as TrainOptions)
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  signal?.throwIfAborted()
  const weights =
    given === undefined
      ? await place.weightsOf(spec.name)
      : fitWeights(spec.parameters, readWeights(await bytesOf(place, given)), spec.name)
  const runtime = own ?? (await openRuntime(defined({ device, driver, threads, wasmPaths })))
  const { model, manifest, calibration, dropped, remarks, seconds } = await fit({
    ...{ samples, category, config, runtime },
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
    ...defined({
      knownDefects: defects,
      checkpoints,
      resume,
      onProgress,
      previews,
      signal,
      finish,
    }),
  })
  return { model, manifest, calibration, dropped, remarks, seconds }
}

/** @throws CflowError USAGE for what is no list, such as the name of a folder */
function samplesOf<Image>(
  { decode }: TrainingPlace<Image>,
  images: readonly Image[],
  subject: string,
): readonly Sample[] {
  if (!Array.isArray(images))
    throw new CflowError('USAGE', `${subject} is a list of images`, {
      subject,
      hint: 'give an array of what detect takes, such as paths or Files',
    })
  return images.map((image, i): Sample => ({
    id: [String(i).padStart(3, '0'), nameOf(image)].join(' ').trim(),
    split: 'train',
    label: 'good',
    defect: 'good',
    load: () => decode(image),
  }))
}

/** What an image is called: the end of its path or URL, the name of a File, or nothing. */
function nameOf(image: unknown): string {
  const { name, href, src } = Object(image) as Readonly<Record<string, unknown>>
  const text = [image, name, href, src].find((value) => typeof value === 'string') as
    string | undefined
  return text?.startsWith('data:') ? '' : (text?.split(/[\\/]/).at(-1) ?? '')
}

async function bytesOf<Image>(
  place: TrainingPlace<Image>,
  source: WeightsSource,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source
  if (source instanceof ArrayBuffer) return new Uint8Array(source)
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer())
  return place.read(source as string | AnyUrl)
}

/** Without what is undefined. */
const defined = <T extends object>(all: T) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
