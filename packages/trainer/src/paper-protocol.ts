import { CflowError, imageTensor, type Tensor } from '@cflow/base'
import { anomalyMap, detectorNames, statisticsOf } from '@cflow/core'
import { resizeMaskNearest, type Sample } from '@cflow/datasets'
import type { MappedImage, ScoredImage } from '@cflow/metrics'
import type { Runtime } from '@cflow/runtimes'
import { labelledImages, timedEvaluation, type EvaluationResult } from './evaluate.js'
import { now, stageProgress, type OnProgress } from './progress.js'

export interface PaperProtocolOptions {
  /** A model from `image` to `log_likelihood_k`: a detector file, or `evidenceModel` of flows. */
  readonly model: Uint8Array
  /** S: maps are S×S. */
  readonly inputSize: number
  /** Depth of the features of each scale, finest first. */
  readonly depths: readonly number[]
  /** Labelled test images. */
  readonly samples: readonly Sample[]
  readonly runtime: Runtime
  readonly onProgress?: OnProgress
}

/**
 * Evaluation by the rules of the authors' code (`paper`): every scale is normalised by its largest likelihood over the
 * whole test set (section 4.2), and AUPRO is their variant (1,000 thresholds, filled holes). Scores of one image depend
 * on the others, so they are for comparison with published tables only.
 * @throws CflowError EMPTY without test images, USAGE for a detector without likelihoods
 */
export async function evaluatePaper(
  options: PaperProtocolOptions,
): Promise<EvaluationResult<ScoredImage>> {
  const scores: ScoredImage[] = []
  const milliseconds: number[] = []
  async function* images(): AsyncGenerator<MappedImage> {
    for await (const image of normalisedBySet(options, milliseconds)) {
      const { label, defect, score } = image
      scores.push({ label, defect, score })
      yield image
    }
  }
  const protocol = { protocol: 'paper' } as const
  const result = await timedEvaluation(options.samples, images(), milliseconds, protocol)
  return { ...result, scores }
}

/** The samples with their scores and maps, which need the likelihoods of all of them. */
async function* normalisedBySet(
  options: PaperProtocolOptions,
  milliseconds: number[],
): AsyncGenerator<MappedImage> {
  const { depths, inputSize: size } = options
  const { seen, likelihoods } = await runAll(options, milliseconds)
  const statistics = likelihoods.map((tensors, k) =>
    statisticsOf(
      depths[k] as number,
      tensors.map((t) => t.data),
    ),
  )
  const mapOf = (i: number): Float64Array => {
    const own = likelihoods.map((tensors) => {
      const { shape, data } = tensors[i] as Tensor<'float32'>
      const [, height = 0, width = 0] = shape
      return { height, width, data }
    })
    return anomalyMap('paper', statistics, own, size)
  }
  // the authors subtract from the largest sum of the set: a shift by the smallest anomaly, so the maps are made twice
  let min = Infinity
  for (const i of seen.keys()) min = mapOf(i).reduce((a, b) => Math.min(a, b), min)
  for (const [i, image] of seen.entries()) {
    const data = Float32Array.from(mapOf(i), (a) => a - min)
    const score = data.reduce((a, b) => Math.max(a, b), -Infinity)
    yield { ...image, anomalyMap: { width: size, height: size, data }, score }
  }
}

/** Likelihoods of all samples, [1, h, w] of each at each scale, and what is known of the samples. */
async function runAll(options: PaperProtocolOptions, milliseconds: number[]) {
  const { depths, inputSize: size, samples } = options
  const session = await options.runtime.createSession(options.model)
  try {
    const names = depths.map((_, k) => detectorNames.logLikelihood(k))
    if (!names.every((name) => session.outputs.includes(name)))
      throw new CflowError('USAGE', 'the paper’s protocol needs the likelihoods of a flow', {
        subject: 'protocol',
        hint: 'evaluate this detector with --protocol strict',
      })
    const seen: Omit<MappedImage, 'score' | 'anomalyMap'>[] = []
    const likelihoods = depths.map((): Tensor<'float32'>[] => [])
    const none = { data: new Uint8Array(size * size) }
    const report = stageProgress('evaluate', samples.length, options)
    for await (const { sample, image, mask: whole } of labelledImages(samples)) {
      const mask = whole && resizeMaskNearest(whole, size, size)
      const start = now()
      const got = await session.run({ [detectorNames.image]: imageTensor(image) }, names)
      milliseconds.push(now() - start)
      names.forEach((name, k) => likelihoods[k]?.push(got[name] as Tensor<'float32'>))
      const { label, defect } = sample
      seen.push({ label, defect, ...(mask && { mask: mask.data.includes(1) ? mask : none }) })
      report(seen.length)
    }
    return { seen, likelihoods }
  } finally {
    await session.release()
  }
}
