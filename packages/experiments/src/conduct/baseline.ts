import { encoderSpec } from '@cflow/encoders'
import { encoderModel, fitBaseline } from '@cflow/trainer'
import type { BaselineConfig } from '@cflow/trainer'
import { known, measuresOf } from '../result.js'
import type { Trained, TrainJob } from './job.js'

/** Fit a method without likelihoods: of its two protocols only AUPRO differs. */
export async function trainBaseline(config: BaselineConfig, job: TrainJob): Promise<Trained> {
  const { dataset, weights, runtime, watch } = job
  const spec = encoderSpec(config.encoder)
  const fitted = await fitBaseline({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
    runtime,
    ...watch,
  })
  const { bytes, seconds } = fitted
  return {
    model: fitted.model as Uint8Array,
    bytes,
    seconds: Object.values(seconds).reduce((a, b) => a + b, 0),
    paper({ evaluation, pixels }) {
      const aupro = pixels?.aupro(0.3, { protocol: 'cflow-ad' })
      return { ...measuresOf(evaluation), ...(aupro !== undefined && { aupro: known(aupro) }) }
    },
  }
}
