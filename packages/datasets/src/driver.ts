import type { AnyAbortSignal } from '@cflow/base'
import * as z from 'zod'
import type { Dataset } from './dataset.js'

/** What the caller of a data set knows, and its user does not have to say. */
export interface OpenContext {
  /** Category of the detector that is evaluated: used where the settings name none. */
  readonly trained?: string
  /** Input size of the detector that is trained, in pixels. Absent where nothing is: `train` may then be empty. */
  readonly inputSize?: number
  /** Folder that keeps resized frames, so that a video is decoded once; it may be deleted at any time. */
  readonly cache?: string
  /** Share of the good images kept for the test where nothing says which, and the seed that chooses them. */
  readonly testFraction?: number
  readonly seed?: number
  readonly signal?: AnyAbortSignal
  /** Frames of videos decoded so far, and in all as far as the videos' headers tell. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Settings that all data sets have. */
export interface CommonSettings {
  /** Folder of the images; empty for what is built in. */
  readonly root: string
  readonly category?: string | undefined
}

/** A source of images. */
export interface DatasetDriver<S extends z.ZodObject = z.ZodObject> {
  /** As in `Dataset`, and in the setting `dataset`. */
  readonly name: string
  readonly title: string
  /** True where images are drawn: there is no folder. */
  readonly builtIn?: true
  /** The settings that it alone has, all optional; their metadata are `help`, `placeholder`, `group`, `default` or `otherwise`. */
  readonly settings: S
  /**
   * What there is to choose from, sorted: categories, or scenes that can be tested.
   * @throws CflowError NOT_FOUND where there is no such folder
   */
  categories(settings: CommonSettings): Promise<readonly string[]>
  /** @throws CflowError USAGE for what is missing; NOT_FOUND, EMPTY, MASK, IMAGE, IO */
  open(settings: CommonSettings & z.output<S>, context: OpenContext): Promise<Dataset>
}

/** An optional setting that decides which images are used, with what help and documentation say of it. */
export function setting<T extends z.ZodType>(
  schema: T,
  about: {
    readonly placeholder: string
    readonly help: string
    readonly default?: unknown
    /** What holds where nothing is said, in words. */
    readonly otherwise?: string
  },
): z.ZodOptional<T> {
  return schema.optional().meta({ ...about, group: 'images' })
}
