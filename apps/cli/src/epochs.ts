import type { ScaleFlow } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { evaluatePaper, likelihoodModel } from '@cflow/trainer'
import type { EncoderModel, Evaluation, TrainConfig } from '@cflow/trainer'

/** Evaluations of the unfinished flows under the paper's protocol, one a meta-epoch (1/25 of the passes). */
export function epochEvaluations(
  samples: readonly Sample[],
  encoder: EncoderModel,
  runtime: Runtime,
  config: TrainConfig,
) {
  const seen: { pass: number; evaluation: Evaluation }[] = []
  const onEpoch = async (pass: number, flows: readonly ScaleFlow[]) => {
    const { evaluation } = await evaluatePaper({
      model: likelihoodModel(encoder, flows),
      inputSize: config.inputSize,
      depths: encoder.scales.map((s) => s.depth),
      samples,
      runtime,
    })
    seen.push({ pass, evaluation })
  }
  return { seen, hook: { every: Math.max(Math.round(config.passes / 25), 1), onEpoch } }
}
