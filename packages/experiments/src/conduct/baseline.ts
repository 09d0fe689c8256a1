import type { Dataset } from '@cflow/datasets'
import { encoderSpec } from '@cflow/encoders'
import type { Runtime } from '@cflow/runtimes'
import { encoderModel, evaluate, fitBaseline } from '@cflow/trainer'
import type { BaselineConfig, OnProgress } from '@cflow/trainer'
import type { Weights } from '@cflow/weights'
import { measuresOf } from '../result.js'
import type { Measured } from './measured.js'

export interface BaselineJob {
  readonly config: BaselineConfig
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
  const fitted = await fitBaseline({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
    ...watch,
    ...(signal && { signal }),
  })
  const { bytes, seconds } = fitted
  try {
    const { evaluation, pixels } = await evaluate({
      model: fitted.model as Uint8Array,
      samples: dataset.test,
      runtime,
      ...watch,
    })
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
      bytes,
      millisecondsPerImage: evaluation.timing.millisecondsPerImage,
    }
  } finally {
    await fitted.scorer?.release()
  }
}
