import type { AnyAbortSignal } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import type { TrainConfig } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import type { CheckpointStore } from '../checkpoint.js'
import type { OnProgress } from '../progress.js'
import type { Changes } from './candidates.js'

export interface TuneOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  readonly category: string
  /** The settings that the search starts from, complete. */
  readonly config: TrainConfig
  /** Keys of settings that stay as they are. */
  readonly fixed?: readonly string[]
  /** Encoders whose weights are at hand, to try in the place of the settings' own. */
  readonly encoders?: readonly string[]
  /** What is tried; the list of this package when absent. The settings as they are always come first. */
  readonly candidates?: readonly Changes[]
  /** The encoder of a candidate's settings. */
  encoderOf(config: TrainConfig): Promise<EncoderModel>
  readonly runtime: Runtime
  /** Milliseconds of one image, at most: candidates that take longer are out. */
  readonly budget?: number | undefined
  /** Time after which no training is begun or goes on, but for that of the settings as they are. */
  readonly minutes?: number
  /** Where candidates that are done are kept. */
  readonly checkpoints?: CheckpointStore
  /** Go on from those that are stored, if there are any: they, and the time they took, count as in one search. */
  readonly resume?: boolean
  readonly onProgress?: OnProgress
  readonly signal?: AnyAbortSignal | undefined
}
