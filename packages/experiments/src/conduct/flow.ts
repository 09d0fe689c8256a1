import { encoderSpec } from '@cflow/encoders'
import { bestEpochs } from '@cflow/metrics'
import { encoderModel, evaluatePaper, fit, normalised } from '@cflow/trainer'
import type { TrainConfig } from '@cflow/trainer'
import { bestOf, measuresOf } from '../result.js'
import { lastingEpochs } from './epochs.js'
import type { Trained, TrainJob } from './job.js'

/** Train a flow, looking at the test set as the authors do; an interrupted training goes on from its checkpoint. */
export async function trainFlow(config: TrainConfig, job: TrainJob): Promise<Trained> {
  const { dataset, weights, runtime, unfinished, watch } = job
  const { passes, inputSize } = config
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const encoder = encoderModel(spec, weights, config.poolLayers, inputSize)
  const samples = dataset.test
  const epochs = await lastingEpochs({ samples, encoder, runtime, passes, unfinished, ...watch })
  const { model, seconds, history } = await fit({
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
    bytes: model.length,
    seconds: times.reduce((a, b) => a + b, 0),
    async paper() {
      const depths = encoder.scales.map((s) => s.depth)
      const last =
        epochs.list().at(-1) ??
        (await evaluatePaper({ model, inputSize, depths, samples, runtime, ...watch }))
      const best = bestEpochs(epochs.list())
      return { ...measuresOf(last.evaluation), ...(best && { best: bestOf(best) }) }
    },
  }
}
