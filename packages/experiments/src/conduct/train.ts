import { encoderModel, encoderSpec, normalised } from '@cflow/encoders'
import type { TrainConfig } from '@cflow/methods'
import { bestEpochs } from '@cflow/metrics'
import { evaluatePaper, fit } from '@cflow/trainer'
import { bestOf, known, measuresOf } from '../result.js'
import { lastingEpochs } from './epochs.js'
import type { Trained, TrainJob } from './job.js'

/**
 * Train a method; an interrupted training goes on from its checkpoint.
 * @param passes of a flow, whose test set is looked at while it trains, as the authors do; absent for other methods, of
 *   whose two protocols only AUPRO differs
 */
export async function train(
  config: TrainConfig,
  passes: number | undefined,
  job: TrainJob,
): Promise<Trained> {
  const { dataset, weights, runtime, unfinished, watch } = job
  const { inputSize } = config
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const encoder = encoderModel(spec, weights, config.poolLayers, inputSize)
  const samples = dataset.test
  const epochs =
    passes === undefined
      ? undefined
      : await lastingEpochs({ samples, runtime, passes, unfinished, ...watch })
  const { model, seconds, history } = await fit({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
    checkpoints: unfinished.checkpoints,
    resume: true,
    ...(epochs && { epochs: epochs.hook }),
    ...watch,
  })
  const stages = Object.entries(seconds).filter(([s]) => !['epochs', 'checkpoint', 'train'].includes(s)) // prettier-ignore
  // passes that ran before an interruption count too
  const times = [...stages.map(([, s]) => s), ...history.map((h) => h.seconds)]
  return {
    model,
    bytes: model.length,
    seconds: times.reduce((a, b) => a + b, 0),
    async paper({ evaluation, pixels }) {
      if (!epochs) {
        const aupro = pixels?.aupro(0.3, { protocol: 'cflow-ad' })
        return { ...measuresOf(evaluation), ...(aupro !== undefined && { aupro: known(aupro) }) }
      }
      const depths = encoder.taps.map((t) => t.channels)
      const last =
        epochs.list().at(-1) ??
        (await evaluatePaper({ model, inputSize, depths, samples, runtime, ...watch }))
      const best = bestEpochs(epochs.list())
      return { ...measuresOf(last.evaluation), ...(best && { best: bestOf(best) }) }
    },
  }
}
