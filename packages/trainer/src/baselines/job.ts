import type { Head } from '@cflow/methods'
import type { Manifest } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import type { EncoderModel, View } from '../encoding.js'
import type { PassRecord } from '../evaluation.js'
import type { TrainingImages } from '../images.js'
import type { Watch } from '../progress.js'
import type { Stopwatch } from '../stopwatch.js'
import type { BaselineConfig } from './config.js'

/** What the training of a baseline has to work with. */
export interface Job<C extends BaselineConfig = BaselineConfig> extends Watch {
  readonly config: C
  readonly model: EncoderModel
  readonly runtime: Runtime
  /** Features are those of the method's view. */
  readonly images: TrainingImages
  /** Indices of the images to train on. */
  readonly training: readonly number[]
  readonly clock: Stopwatch
}

export interface Learned {
  readonly head: Head
  /** For the manifest. */
  readonly settings: NonNullable<Manifest['settings']>
  readonly history: readonly PassRecord[]
}

/** A method whose detector is a file. */
export interface FileMethod<C extends BaselineConfig> {
  /** Sizes at which the image is encoded; 1 for the image alone. */
  levels(config: C): number
  /** What is extracted of a training image. */
  view(config: C, model: EncoderModel): View
  /** Floats of one image's features, if they are to be kept for several passes. */
  featureLength(model: EncoderModel): number
  /** Largest random rotation of training images, degrees. */
  rotation(config: C): number
  /** @throws CflowError USAGE when the settings make no detector for this encoder */
  check(config: C, model: EncoderModel): void
  learn(job: Job<C>): Promise<Learned>
}
