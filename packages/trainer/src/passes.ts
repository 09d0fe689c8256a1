import { Random } from '@cflow/base'
import { cosineLearningRate, paperLearningRate, widthLearningRate } from '@cflow/core'
import type { TrainConfig } from './config.js'
import type { ScaleShape } from './encoding.js'
import type { Features, TrainingImages } from './images.js'
import { groupedSelections, groupedShape, permutedSelections } from './sampling.js'
import type { BatchShape } from './sampling.js'
import type { ScaleTrainer } from './scale.js'

/** Images encoded together in the paper's recipe (section 5.1). */
const paperImageBatch = 32
/** Meta-epochs of the paper's schedule. */
const metaEpochs = 25
/** Images of a chunk when features are not kept in memory. */
const uncachedChunk = 64

/** Passes of one of the meta-epochs that the paper's schedule cuts a training into. */
export const passesPerMetaEpoch = (passes: number): number =>
  Math.max(Math.round(passes / metaEpochs), 1)

/** How the images of one pass are cut into chunks whose vectors are mixed. */
export interface ChunkPlan {
  readonly chunks: number
  readonly size: number
  /** Mini-batch shape of every scale. */
  readonly shapes: readonly BatchShape[]
}

export function chunkPlan(
  config: TrainConfig,
  images: number,
  cached: boolean,
  scales: readonly ScaleShape[],
): ChunkPlan {
  if (config.recipe === 'paper') {
    const size = Math.min(paperImageBatch, images)
    const shapes = scales.map(({ height, width }) => {
      const rows = Math.min(config.miniBatch, size * height * width)
      return { rows, positions: rows }
    })
    return { chunks: Math.floor(images / size), size, shapes }
  }
  const chunks = cached ? 1 : Math.ceil(images / uncachedChunk)
  const size = Math.floor(images / chunks)
  return { chunks, size, shapes: scales.map((s) => groupedShape(s, config.miniBatch, size)) }
}

/** Steps of one scale in one pass. */
function stepsPerPass(config: TrainConfig, plan: ChunkPlan, scale: ScaleShape, k: number): number {
  const { rows, positions } = plan.shapes[k] as BatchShape
  const area = scale.height * scale.width
  if (config.recipe === 'paper') return plan.chunks * Math.floor((plan.size * area) / rows)
  const groups = rows / positions
  return plan.chunks * Math.floor(plan.size / groups) * Math.floor(area / positions)
}

export interface PassContext {
  readonly config: TrainConfig
  readonly scales: readonly ScaleShape[]
  readonly trainers: readonly ScaleTrainer[]
  readonly images: TrainingImages
  /** Indices of the images that are trained on. */
  readonly indices: readonly number[]
  readonly plan: ChunkPlan
  readonly signal?: AbortSignal | undefined
  /** Called after steps with the share of the pass that is done and the mean losses so far. */
  onStep(share: number, losses: readonly number[]): void
}

/**
 * One pass over the training images (0-based). All randomness of a pass comes from the seed and the pass' number, so a
 * resumed training repeats an uninterrupted one.
 * @returns mean loss per scale and the last learning rate
 */
export async function runPass(
  context: PassContext,
  pass: number,
): Promise<{ readonly losses: readonly number[]; readonly learningRate: number }> {
  const { config, scales, trainers, images, indices, plan } = context
  const random = Random.seeded(config.seed, `pass ${pass}`)
  const order = random.permutation(indices.length)
  const sums = scales.map(() => 0)
  const counts = scales.map(() => 0)
  const totals = scales.map((s, k) => stepsPerPass(config, plan, s, k))
  let learningRate = 0
  for (let chunk = 0; chunk < plan.chunks; chunk++) {
    const members = order.subarray(chunk * plan.size, (chunk + 1) * plan.size)
    const paperRate =
      config.recipe === 'paper'
        ? paperLearningRate(
            {
              learningRate: config.learningRate,
              metaEpochs,
              passesPerMetaEpoch: passesPerMetaEpoch(config.passes),
              batchesPerPass: plan.chunks,
            },
            pass,
            chunk,
          )
        : undefined
    const features: Features[] = []
    const chosen = Array.from(members, (i) => indices[i] as number)
    for await (const f of images.features(chosen, random)) features.push(f)
    for (const [k, trainer] of trainers.entries()) {
      const { height, width, depth } = scales[k] as ScaleShape
      const largest = widthLearningRate(config.learningRate, depth)
      const rows = features.map((f) => f[k] as Float32Array)
      const select = config.recipe === 'paper' ? permutedSelections : groupedSelections
      const total = totals[k] as number
      for (const batch of batches(
        select(trainer.shape, height * width, rows.length, random),
        () => trainer.mostSteps,
      )) {
        context.signal?.throwIfAborted()
        const rates = batch.map(
          (_, i) =>
            paperRate ?? cosineLearningRate(largest, trainer.steps + i, total * config.passes),
        )
        for (const loss of await trainer.step(rows, batch, rates)) {
          sums[k]! += loss
          counts[k]!++
        }
        learningRate = rates.at(-1) as number
        context.onStep(
          counts.reduce((a, b) => a + b, 0) / totals.reduce((a, b) => a + b, 0),
          sums.map((s, i) => s / Math.max(counts[i] as number, 1)),
        )
      }
    }
  }
  return { losses: sums.map((s, k) => s / Math.max(counts[k] as number, 1)), learningRate }
}

/** Items in groups of a size that may change from one to the next; the last one with what is left. */
function* batches<T>(items: Iterable<T>, size: () => number): Generator<T[]> {
  let group: T[] = []
  for (const item of items) {
    group.push(item)
    if (group.length < size()) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
