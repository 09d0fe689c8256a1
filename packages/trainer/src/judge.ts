import { resizeLanczos } from '@cflow/datasets'
import { readDetector } from '@cflow/detector'
import type { BestEpochs } from '@cflow/metrics'
import type { Choice, Judgement, ReportExample } from '@cflow/report'
import { detections, evaluate, type EvaluateOptions } from './evaluate.js'
import { evaluatePaper } from './paper-protocol.js'
import { maskForPicture } from './resolution.js'

export interface JudgeOptions extends EvaluateOptions {
  /** Best epochs on the test set, for the `paper` protocol. */
  readonly best?: BestEpochs | undefined
  /** Seconds of the stages before the evaluation. */
  readonly seconds?: Readonly<Record<string, number>>
}

/**
 * `evaluate`, also for no images at all or for images that nobody sorted: then there are only scores. Under the `paper`
 * protocol the metrics are the paper's (of a method without likelihoods only AUPRO differs), while scores, threshold and
 * pictures stay the detector's own.
 */
export async function judge({ best, seconds, ...options }: JudgeOptions): Promise<Judgement> {
  if (options.samples.length === 0) return { scores: [] }
  const { evaluation, ...own } = await evaluate(options)
  if (own.scores.every((s) => s.label === 'unknown')) return own
  const timing = { ...evaluation.timing, seconds: { ...seconds, ...evaluation.timing.seconds } }
  const { flows, scales, inputSize } = (await readDetector(options.model)).manifest
  if (options.protocol !== 'paper' || scales.length === 0)
    return { ...own, evaluation: { ...evaluation, ...(best && { best }), timing } }
  // a scale beside those of the flows is no likelihood
  const depths = (flows.length > 0 ? flows : scales).map((s) => s.depth)
  const { evaluation: paper, ...measured } = await evaluatePaper({ ...options, inputSize, depths })
  return { ...own, measured, evaluation: { ...paper, ...(best && { best }), timing } }
}

/** Images, maps and masks of the chosen samples, S×S: maps are not kept during an evaluation, so they run again. */
export async function loadExamples({
  choices,
  ...options
}: Pick<EvaluateOptions, 'model' | 'samples' | 'runtime'> & {
  readonly choices: readonly Choice[]
}): Promise<readonly ReportExample[]> {
  if (choices.length === 0) return []
  const samples = choices.map(({ index }) => options.samples[index]!)
  const examples: ReportExample[] = []
  for await (const { image, mask, ...rest } of detections({ ...options, samples })) {
    const { width, height } = rest.anomalyMap
    const { group } = choices[examples.length]!
    const truth = mask && { mask: maskForPicture(mask, width) }
    examples.push({ ...rest, ...truth, group, image: resizeLanczos(image, width, height) })
  }
  return examples
}
