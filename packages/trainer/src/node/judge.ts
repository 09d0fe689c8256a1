import { evaluate } from '../evaluate.js'
import type { EvaluateOptions, EvaluationResult } from '../evaluate.js'
import type { BestEpochs, Evaluation, Protocol } from '../evaluation.js'
import { evaluatePaper } from '../paper-protocol.js'

/** Scores of images, and what they come to where truth is known. */
export interface Judgement extends Pick<EvaluationResult, 'scores' | 'pixels'> {
  /** Absent when no image has a label. */
  readonly evaluation?: Evaluation
  /** What the evaluation and its curves are of, where that is not the detector's own scores (`paper`). */
  readonly measured?: Pick<EvaluationResult, 'scores' | 'pixels'>
  /** Score of the detector's own maps at which the F1 of pixels is largest. */
  readonly pixelThreshold?: number
}

export interface JudgeOptions extends EvaluateOptions {
  /** `strict` when absent. */
  readonly protocol?: Protocol
  /** Best epochs on the test set, for the `paper` protocol. */
  readonly best?: BestEpochs
}

/**
 * `evaluate`, also for no images at all or for images that nobody sorted: then there are only scores. Under the `paper`
 * protocol the metrics are the paper's (of a method without likelihoods only AUPRO differs), while scores, threshold and pictures stay the detector's own.
 */
export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { samples, manifest, protocol = 'strict', best } = options
  if (samples.length === 0) return { scores: [] }
  const { evaluation, ...own } = await evaluate(options)
  if (!own.scores.some((s) => s.label !== 'unknown')) return own
  const strict = {
    ...own,
    evaluation,
    ...(evaluation.pixel && { pixelThreshold: evaluation.pixel.threshold }),
  }
  if (protocol === 'strict') return strict
  const depths = manifest.encoder.taps.map((t) => t.channels)
  const { evaluation: paper, ...measured } =
    manifest.method === 'cflow' && options.model instanceof Uint8Array
      ? await evaluatePaper({
          ...options,
          model: options.model,
          inputSize: manifest.inputSize,
          depths,
        })
      : await evaluate({ ...options, protocol })
  const { operatingPoint, timing } = evaluation
  return {
    ...strict,
    measured,
    evaluation: {
      ...paper,
      timing,
      ...(operatingPoint && { operatingPoint }),
      ...(best && { best }),
    },
  }
}
