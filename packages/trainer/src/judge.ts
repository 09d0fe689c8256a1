import { CflowError } from '@cflow/base'
import { resizeLanczos } from '@cflow/datasets'
import { readDetector } from '@cflow/detector'
import type { BestEpochs, TimedEvaluation } from '@cflow/metrics'
import {
  ownEvidence,
  resampleMap,
  type Choice,
  type Judgement,
  type ReportExample,
} from '@cflow/report'
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
  const { evaluation: measured, ...own } = await evaluate(options)
  if (own.scores.every((s) => s.label === 'unknown')) return own
  const { manifest } = await readDetector(options.model)
  const { flows, scales, inputSize, resize } = manifest
  const evidence = ownEvidence(own.scores, manifest)
  const evaluation = evidence > 0 ? withoutAlarms(measured) : measured
  const of = { ...own, ...(evidence > 0 && { ownEvidence: evidence }) }
  const timing = { ...evaluation.timing, seconds: { ...seconds, ...evaluation.timing.seconds } }
  if (options.protocol !== 'paper' || scales.length === 0)
    return { ...of, evaluation: { ...evaluation, ...(best && { best }), timing } }
  if (resize === 'pad')
    throw new CflowError('USAGE', 'the paper’s protocol knows stretched images only', {
      subject: 'protocol',
      hint: 'evaluate this detector with --protocol strict',
    })
  // a scale beside those of the flows is no likelihood
  const depths = (flows.length > 0 ? flows : scales).map((s) => s.depth)
  const { evaluation: paper, ...ranked } = await evaluatePaper({ ...options, inputSize, depths })
  return { ...of, measured: ranked, evaluation: { ...paper, ...(best && { best }), timing } }
}

/** An evaluation on the images that set the threshold has no rate of false alarms. */
const withoutAlarms = ({ operatingPoint, ...rest }: TimedEvaluation): TimedEvaluation => ({
  ...rest,
  ...(operatingPoint && { operatingPoint: { ...operatingPoint, falsePositiveRate: NaN } }),
})

/** Longest side of the pictures of examples: reports show no larger ones. */
const exampleSide = 384

/**
 * Images, maps and masks of the chosen samples, square and as large as the map or `exampleSide`: maps are not kept during an
 * evaluation, so they run again.
 */
export async function loadExamples({
  choices,
  ...options
}: Pick<EvaluateOptions, 'model' | 'samples' | 'runtime'> & {
  readonly choices: readonly Choice[]
}): Promise<readonly ReportExample[]> {
  if (choices.length === 0) return []
  const samples = choices.map(({ index }) => options.samples[index]!)
  const examples: ReportExample[] = []
  for await (const { image, mask, anomalyMap, ...rest } of detections({ ...options, samples })) {
    const side = Math.min(anomalyMap.width, exampleSide)
    const { group } = choices[examples.length]!
    examples.push({
      ...rest,
      ...(mask && { mask: maskForPicture(mask, side) }),
      group,
      anomalyMap: resampleMap(anomalyMap, side, side),
      image: resizeLanczos(image, side, side),
    })
  }
  return examples
}
