import type { Random, Tensor, AnyAbortSignal } from '@cflow/base'
import {
  encodePixels,
  rowsOfMap,
  type DetectorParts,
  type Encoder,
  type Head,
  type Manifest,
} from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import type { Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type * as z from 'zod'
import type { Epochs, PassRecord, TrainingState } from './training/loop.js'

/** What of an image is extracted: from pixels float32 [N, 3, S, S] in 0 … 255 to any values. */
export type View = (pixels: Value, encoder: Encoder) => readonly Value[]

/** What a view gives of one image: of `tapRows`, float32 [h·w, D] of every tap. */
export type Features = readonly Float32Array[]

/** The taps as rows [N·h·w, D]. */
export const tapRows: View = (pixels, encoder) => encodePixels(pixels, encoder).map(rowsOfMap)

/** Features of images, encoded when they are asked for; kept where they are worth it and fit in memory. */
export interface FeatureSource {
  /** Whether the features of all images are kept, so that asking again costs no encoding. */
  readonly cached: boolean
  /**
   * In the order of the indices.
   * @param random rotates every image by a random angle, and makes it brighter or darker, when given and the method's
   *   `prepare` asks for it
   */
  of(indices: Iterable<number>, random?: Random): AsyncIterable<Features>
  /** Replace the features, those that are kept too, such as by their whitened form. */
  transform(change: (features: Features) => Promise<Features>): Promise<void>
}

/** What is asked of the features of a method's training images. */
export interface Extraction {
  /** The encoder as the method sees it, such as with averaged taps; as it is when absent. */
  readonly encoder?: EncoderModel
  /** `tapRows` when absent. */
  readonly view?: View
  /** Largest random rotation in degrees; 0 when absent. */
  readonly rotation?: number
  /** Largest share by which an image becomes brighter or darker at random; 0 when absent. */
  readonly brightness?: number
  /** Floats of one image's features, where they are asked for in every pass; absent where they are not worth keeping. */
  readonly kept?: number
}

/** What a method has to learn with. */
export interface Job<C> {
  readonly signal?: AnyAbortSignal | undefined
  /** What reports how far a stage is; a report is also where an abort ends the job. */
  progress(
    stage: 'encode' | 'whiten' | 'select' | 'train',
    total: number,
    start?: number,
  ): (done: number, losses?: readonly number[]) => void
  /** Work whose time is accounted to a stage. */
  timed<T>(stage: string, work: () => Promise<T>): Promise<T>
  readonly config: C
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  readonly features: FeatureSource
  /** Indices of the images to learn from. */
  readonly training: readonly number[]
  /** Indices of other good images, by which a method that learns in passes chooses where to stop; none when absent. */
  readonly validation?: readonly number[]
  /** Passes of each model of a method that learns in passes, where they were chosen before; those of its settings when absent. */
  readonly passesOf?: readonly number[] | undefined
  /** Tensors that are worked out once, kept under a name in checkpoints: a resumed training takes them from there. */
  once(
    name: string,
    work: () => Promise<Readonly<Record<string, Tensor>>>,
  ): Promise<Readonly<Record<string, Tensor>>>
  /** The state that an interrupted training left. */
  readonly resumed?: TrainingState | undefined
  /** Keep the state after a pass. */
  save?(state: TrainingState, last: boolean): Promise<void>
  /** Stop after this many passes in all, as if interrupted there. */
  readonly stopAfter?: number | undefined
  /** When aborted, the pass under way is the last one; not where `passesOf` says how many there are. */
  readonly finish?: AnyAbortSignal | undefined
  /** Who looks at the unfinished detector. */
  readonly epochs?: readonly Epochs[] | undefined
}

export interface Learned {
  readonly head: Head
  /** One record a pass, of a method that learns in passes. */
  readonly history?: readonly PassRecord[]
  /** The pass whose state was kept, of each model; 0 for the state at the start. */
  readonly kept?: readonly number[]
  /** What the manifest says beside what it says of every method. */
  readonly manifest?: Partial<
    Pick<Manifest, 'aggregation' | 'memory' | 'scoreShare' | 'smoothing' | 'settings'>
  >
}

/** Read the features of all training images once, in order: the stage `encode`. */
export const encodeAll = (
  job: Pick<Job<unknown>, 'features' | 'training' | 'progress' | 'timed'>,
  use: (features: Features, index: number) => unknown,
): Promise<void> =>
  job.timed('encode', async () => {
    const report = job.progress('encode', job.training.length)
    let done = 0
    for await (const features of job.features.of(job.training)) {
      await use(features, done)
      report(++done)
    }
  })

/** What a method has to take further good images up into a finished detector with. */
export interface ExtensionJob extends Pick<
  Job<unknown>,
  'runtime' | 'features' | 'training' | 'timed'
> {
  readonly parts: DetectorParts
  readonly seed: number
  progress(stage: 'encode' | 'select', total: number): (done: number) => void
}

export interface Extended {
  readonly head: Head
  /** What the manifest says differently. */
  readonly manifest?: Partial<Pick<Manifest, 'memory' | 'settings'>>
}

/** How a method takes further good images up into a finished detector, without those that it was trained on. */
export interface Extension {
  /** What of an image is extracted; `tapRows` when absent. */
  view?(manifest: Manifest): View
  /** @throws CflowError USAGE for a detector that cannot be added to, and what the runtime throws */
  extend(job: ExtensionJob): Promise<Extended>
}

/** A way to detect anomalies. To add one, write it, and put it in the list of `methods.ts`. */
export interface Method<
  N extends string = string,
  S extends z.ZodObject = z.ZodObject,
  R extends string = string,
> {
  /** What settings and manifests call it. */
  readonly name: N
  /** What its authors call it. */
  readonly title: string
  /** All that decides what it makes, each setting with the help that is shown of it (`SettingMeta`). */
  readonly settings: S
  /** Complete settings by name; the first is the default. */
  readonly recipes: Readonly<Record<R, z.infer<S>>>
  /** @throws CflowError CONFIG for settings that do not go together */
  check?(config: z.infer<S>): void
  /**
   * What is to be extracted of the images; before any work.
   * @throws CflowError USAGE when the settings make no detector for the encoder, or for so many images
   */
  prepare(config: z.infer<S>, encoder: EncoderModel, images: number): Extraction
  /** @throws CflowError TOO_FEW_IMAGES, SHAPE, IMAGE and what the runtime throws */
  learn(job: Job<z.infer<S>>): Promise<Learned>
  /** Absent where a finished detector cannot be added to. */
  readonly extension?: Extension
}

/** A method, with the types of its settings. */
export const method = <N extends string, S extends z.ZodObject, R extends string>(
  definition: Method<N, S, R>,
): Method<N, S, R> => definition
