import { CflowError, tensor } from '@cflow/base'
import { addUpsampled, anomalyOf, detectorNames, statisticsOfImages } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { judgeMaps } from './evaluate.js'
import type { EvaluationResult, ImageScore } from './evaluate.js'
import type {
  BestEpoch,
  BestEpochs,
  EpochEvaluation,
  Evaluation,
  ImageResult,
} from './evaluation.js'
import { labelledImages } from './labelled.js'
import type { OnProgress } from './progress.js'
import { now, stageProgress } from './progress.js'

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

interface Seen extends Omit<ImageScore, 'score'> {
  readonly mask?: Uint8Array
}

/**
 * Evaluation by the rules of the authors' code (`paper`): every scale is normalised by its largest likelihood over the
 * whole test set (section 4.2), and AUPRO is their variant (1,000 thresholds, filled holes). Scores of one image depend
 * on the others, so they are for comparison with published tables only.
 * @throws CflowError EMPTY without test images, USAGE for a detector without likelihoods
 */
export async function evaluatePaper(options: PaperProtocolOptions): Promise<EvaluationResult> {
  const { depths, runtime, inputSize: size } = options
  const session = await runtime.createSession(options.model)
  const names = depths.map((_, k) => detectorNames.logLikelihood(k))
  if (!names.every((name) => session.outputs.includes(name))) {
    await session.release()
    throw new CflowError('USAGE', 'the paper’s protocol needs the likelihoods of a flow', {
      subject: 'protocol',
      hint: 'evaluate this detector with --protocol strict',
    })
  }
  const seen: Seen[] = []
  const none = new Uint8Array(size * size)
  const shapes: (readonly number[])[] = []
  const parts = depths.map((): Float32Array[] => [])
  const milliseconds: number[] = []
  const began = now()
  const report = stageProgress('evaluate', options.samples.length, options)
  try {
    for await (const { sample, image, mask } of labelledImages(options.samples, size)) {
      const start = now()
      const shape = [1, image.height, image.width, 3]
      const feeds = { [detectorNames.image]: tensor('uint8', shape, image.data) }
      const got = await session.run(feeds, names)
      milliseconds.push(now() - start)
      names.forEach((name, k) => {
        shapes[k] = got[name]?.shape as readonly number[]
        parts[k]?.push(Float32Array.from(got[name]?.data as Float32Array))
      })
      const { id, label, defect } = sample
      seen.push({ id, label, defect, ...(mask && { mask: mask.includes(1) ? mask : none }) })
      report(seen.length)
    }
  } finally {
    await session.release()
  }
  const scales = depths.map((depth, k) => {
    const [, height, width] = shapes[k] as readonly [number, number, number]
    const maps = parts[k] as readonly Float32Array[]
    return { height, width, maps, statistics: statisticsOfImages(depth, maps) }
  })
  const mapOf = (i: number): Float64Array => {
    const map = new Float64Array(size * size)
    for (const { height, width, maps, statistics } of scales) {
      const anomaly = Float64Array.from(maps[i] as Float32Array, (l) =>
        anomalyOf('paper', statistics, l),
      )
      addUpsampled(anomaly, height, width, map, size)
    }
    return map
  }
  // the authors subtract from the largest sum of the set: a shift by the smallest anomaly, so the maps are made twice
  let least = Infinity
  for (const i of seen.keys()) least = mapOf(i).reduce((a, b) => Math.min(a, b), least)
  async function* judged(): AsyncGenerator<ImageResult> {
    for (const [i, image] of seen.entries()) {
      const map = Float32Array.from(mapOf(i), (a) => a - least)
      yield { ...image, map, score: map.reduce((a, b) => Math.max(a, b), -Infinity) }
    }
  }
  return judgeMaps(judged(), {
    protocol: 'paper',
    size,
    hasMasks: seen.some((s) => s.mask),
    milliseconds,
    began,
  })
}

/** The best of several evaluations by metric; the first of equals. */
export function bestEpochs(epochs: readonly EpochEvaluation[]): BestEpochs | undefined {
  if (epochs.length === 0) return undefined
  const best = (value: (e: Evaluation) => number | undefined) =>
    epochs.reduce<BestEpoch | undefined>((a, { pass, evaluation }) => {
      const v = value(evaluation)
      return v !== undefined && Number.isFinite(v) && !(a && a.value >= v) ? { value: v, pass } : a
    }, undefined)
  const image = best((e) => e.image.auroc)
  const pixel = best((e) => e.pixel?.auroc)
  const aupro = best((e) => e.pixel?.aupro)
  return {
    image: image ?? { value: NaN, pass: 0 },
    ...(pixel && { pixel }),
    ...(aupro && { aupro }),
    passes: epochs.map((e) => e.pass),
  }
}
