import type { Dataset } from '@cflow/datasets'
import { encoderModel, encoderSpec, normalised } from '@cflow/encoders'
import type { Weights } from '@cflow/encoders'
import type { Runtime } from '@cflow/runtimes'
import type { TrainConfig } from '@cflow/methods'
import { bestEpochs, evaluate, evaluatePaper, fit } from '@cflow/trainer'
import type { EvaluationResult, OnProgress } from '@cflow/trainer'
import { bestOf, measuresOf } from '../result.js'
import type { Unfinished } from '../store.js'
import { lastingEpochs } from './epochs.js'
import type { Measured } from './measured.js'
import { picturesOf } from './pictures.js'

export interface FlowJob {
  readonly config: TrainConfig<'cflow'>
  readonly dataset: Dataset
  readonly weights: Weights
  readonly runtime: Runtime
  readonly unfinished: Unfinished
  /** Whether what the figures show is kept. */
  readonly pictures: boolean
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** Train a flow, looking at the test set as the authors do, and evaluate it under both protocols. */
export async function measureFlow(job: FlowJob): Promise<Measured> {
  const { config, dataset, weights, runtime, unfinished, onProgress, signal } = job
  const spec = normalised(encoderSpec(config.encoder), config.normalisation)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  const samples = dataset.test
  const watch = { ...(onProgress && { onProgress }) }
  const { passes } = config
  const epochs = await lastingEpochs({ samples, encoder, runtime, passes, unfinished, ...watch })
  const { model, manifest, seconds, history } = await fit({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
    checkpoints: unfinished.checkpoints,
    resume: true,
    epochs: epochs.hook,
    ...watch,
    ...(signal && { signal }),
  })
  const own = await evaluate({ model, manifest, samples, runtime, ...watch })
  const last = epochs.list().at(-1)?.evaluation
  const paper =
    last ??
    (
      await evaluatePaper({
        model,
        inputSize: config.inputSize,
        depths: encoder.taps.map((t) => t.channels),
        samples,
        runtime,
        ...watch,
      })
    ).evaluation
  const best = bestEpochs(epochs.list())
  const pictures = job.pictures
    ? await picturesOf({ model, manifest, samples, result: own, runtime })
    : undefined
  return {
    strict: measuresOf(own.evaluation),
    paper: { ...measuresOf(paper), ...(best && { best: bestOf(best) }) },
    // passes that ran before an interruption count too
    seconds: { fit: fitSeconds(seconds, history), evaluate: evaluationSeconds(own) },
    bytes: model.length,
    millisecondsPerImage: own.evaluation.timing.millisecondsPerImage,
    ...(pictures && { pictures }),
  }
}

/** Reading, encoding, training and calibration; looks at the test set and checkpoints are no part of it. */
function fitSeconds(
  seconds: Readonly<Record<string, number>>,
  history: readonly { readonly seconds: number }[],
): number {
  const stages = Object.entries(seconds).filter(([s]) => !['epochs', 'checkpoint', 'train'].includes(s)) // prettier-ignore
  return [...stages.map(([, s]) => s), ...history.map((h) => h.seconds)].reduce((a, b) => a + b, 0)
}

const evaluationSeconds = ({ evaluation }: EvaluationResult): number =>
  evaluation.timing.seconds['evaluate'] ?? NaN
