import type { Dataset } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import type { EvaluateOptions, EvaluationResult } from '@cflow/trainer'
import type { Weights } from '@cflow/weights'
import type { Laboratory } from '../laboratory.js'
import type { Result } from '../result.js'
import type { Unfinished } from '../store.js'

/** What a method is trained on, and with. */
export interface TrainJob {
  readonly dataset: Dataset
  readonly weights: Weights
  readonly runtime: Runtime
  /** Where a training that can be interrupted goes on from. */
  readonly unfinished: Unfinished
  readonly watch: Laboratory['watch']
}

/** A trained method, as every trial measures it. */
export interface Trained extends Pick<EvaluateOptions, 'model'> {
  readonly bytes: number
  /** Reading, encoding, training and calibration; looks at the test set and checkpoints are no part of it. */
  readonly seconds: number
  /** Its rates under the authors' rules, given its own evaluation. */
  paper(own: EvaluationResult): Promise<Result['paper']> | Result['paper']
}
