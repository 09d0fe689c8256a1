import { evidenceModel, type Head } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import type { EpochEvaluation } from '@cflow/metrics'
import { passesPerMetaEpoch } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { evaluatePaper } from './paper-protocol.js'
import type { OnProgress } from './progress.js'

/**
 * Evaluations of the unfinished flows under the paper's protocol, one a meta-epoch (1/25 of the passes): what `fit` takes
 * as `epochs`, for `bestEpochs`.
 */
export function epochEvaluations(options: {
  /** Labelled test images. */
  readonly samples: readonly Sample[]
  readonly runtime: Runtime
  /** Passes of the whole training. */
  readonly passes: number
  /** Called with each evaluation, and waited for. */
  readonly onEvaluation: (epoch: EpochEvaluation) => unknown
  readonly onProgress?: OnProgress
}) {
  const { samples, runtime, passes, onEvaluation, onProgress } = options
  return {
    every: passesPerMetaEpoch(passes),
    async onEpoch(pass: number, head: Head, encoder: EncoderModel): Promise<void> {
      if (!head.flows) return // the paper's protocol needs likelihoods
      const { evaluation } = await evaluatePaper({
        model: evidenceModel(encoder.encoder, head, encoder.inputSize),
        inputSize: encoder.inputSize,
        depths: head.flows.map((f) => f.config.depth),
        samples,
        runtime,
        ...(onProgress && { onProgress }),
      })
      await onEvaluation({ pass, evaluation })
    },
  }
}
