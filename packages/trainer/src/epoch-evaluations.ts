import type { ScaleFlow } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EpochEvaluation } from '@cflow/metrics'
import type { Runtime } from '@cflow/runtimes'
import { likelihoodModel, type EncoderModel } from './encoding.js'
import { evaluatePaper } from './paper-protocol.js'
import { passesPerMetaEpoch } from './passes.js'
import type { OnProgress } from './progress.js'

/**
 * Evaluations of the unfinished flows under the paper's protocol, one a meta-epoch (1/25 of the passes): what `fit` takes
 * as `epochs`, for `bestEpochs`.
 */
export function epochEvaluations(options: {
  /** Labelled test images. */
  readonly samples: readonly Sample[]
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  /** Passes of the whole training. */
  readonly passes: number
  /** Called with each evaluation, and waited for. */
  readonly onEvaluation: (epoch: EpochEvaluation) => unknown
  readonly onProgress?: OnProgress
}) {
  const { samples, encoder, runtime, passes, onEvaluation, onProgress } = options
  return {
    every: passesPerMetaEpoch(passes),
    async onEpoch(pass: number, flows: readonly ScaleFlow[]): Promise<void> {
      const { evaluation } = await evaluatePaper({
        model: likelihoodModel(encoder, flows),
        inputSize: encoder.inputSize,
        depths: encoder.scales.map((s) => s.depth),
        samples,
        runtime,
        ...(onProgress && { onProgress }),
      })
      await onEvaluation({ pass, evaluation })
    },
  }
}
