import type { Dataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import type { Weights } from '@cflow/encoders'
import type { Runtime } from '@cflow/runtimes'
import type { TrainConfig } from '@cflow/methods'
import { evaluate, fit } from '@cflow/trainer'
import type { OnProgress } from '@cflow/trainer'
import { measuresOf } from '../result.js'
import type { Measured } from './measured.js'

export interface BaselineJob {
  readonly config: TrainConfig
  readonly dataset: Dataset
  readonly weights: Weights
  readonly runtime: Runtime
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** Fit a method without likelihoods and evaluate it: of its two protocols only AUPRO differs. */
export async function measureBaseline(job: BaselineJob): Promise<Measured> {
  const { config, dataset, weights, runtime, onProgress, signal } = job
  const watch = { ...(onProgress && { onProgress }) }
  const encoder = encoderModel(
    encoderSpec(config.encoder),
    weights,
    config.poolLayers,
    config.inputSize,
  )
  const { model, manifest, seconds } = await fit({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
    ...watch,
    ...(signal && { signal }),
  })
  const samples = dataset.test
  const { evaluation, pixels } = await evaluate({ model, manifest, samples, runtime, ...watch })
  const strict = measuresOf(evaluation)
  const aupro = pixels?.aupro(0.3, { protocol: 'cflow-ad' })
  return {
    strict,
    paper: {
      ...strict,
      ...(aupro !== undefined && { aupro: Number.isFinite(aupro) ? aupro : null }),
    },
    seconds: {
      fit: Object.values(seconds).reduce((a, b) => a + b, 0),
      evaluate: evaluation.timing.seconds['evaluate'] ?? NaN,
    },
    bytes: model.length,
    millisecondsPerImage: evaluation.timing.millisecondsPerImage,
  }
}
