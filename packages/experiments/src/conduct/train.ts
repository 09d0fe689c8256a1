import { encoderModel, encoderSpec, normalised } from '@cflow/encoders'
import type { TrainConfig } from '@cflow/methods'
import { bestEpochs } from '@cflow/metrics'
import { evaluatePaper, fit } from '@cflow/trainer'
import { bestOf, known, measuresOf } from '../result.js'
import { lastingEpochs } from './epochs.js'
import type { Trained, TrainJob } from './job.js'

/**
 * Train a method, looking at the test set as the authors do where there are flows to look with; an interrupted training goes
 * on from its checkpoint.
 */
export async function trainMethod(config: TrainConfig, job: TrainJob): Promise<Trained> {
  const { dataset, weights, runtime, unfinished, watch } = job
  const { inputSize } = config
  const passes = 'passes' in config ? config.passes : 0
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const encoder = encoderModel(spec, weights, config.poolLayers, inputSize)
  const samples = dataset.test
  const epochs = await lastingEpochs({ samples, encoder, runtime, passes, unfinished, ...watch })
  const { model, head, seconds, history } = await fit({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
    checkpoints: unfinished.checkpoints,
    resume: true,
    epochs: epochs.hook,
    ...watch,
  })
  const stages = Object.entries(seconds).filter(([s]) => !['epochs', 'checkpoint', 'train'].includes(s)) // prettier-ignore
  // passes that ran before an interruption count too
  const times = [...stages.map(([, s]) => s), ...history.map((h) => h.seconds)]
  return {
    model,
    seconds: times.reduce((a, b) => a + b, 0),
    async paper({ evaluation, pixels }) {
      if (!head.flows) {
        // of a method without likelihoods only AUPRO differs
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
