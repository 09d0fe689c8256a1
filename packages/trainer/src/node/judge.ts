import type { Evaluation } from '../evaluation.js'
import { evaluate } from '../evaluate.js'
import type { EvaluateOptions, EvaluationResult } from '../evaluate.js'

/** Scores of images, and what they come to where truth is known. */
export type Judgement = Pick<EvaluationResult, 'scores' | 'pixels'> & {
  /** Absent when no image has a label. */
  readonly evaluation?: Evaluation
}

/** `evaluate`, also for no images at all or for images that nobody sorted: then there are only scores. */
export async function judge(options: EvaluateOptions): Promise<Judgement> {
  if (options.samples.length === 0) return { scores: [] }
  const { evaluation, ...rest } = await evaluate(options)
  return rest.scores.some((s) => s.label !== 'unknown') ? { ...rest, evaluation } : rest
}
