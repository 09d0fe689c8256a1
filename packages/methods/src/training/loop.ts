import { CflowError, Random, type Tensor } from '@cflow/base'
import type { Head } from '@cflow/core'
import type { Features, Job } from '../method.js'
import type { Trainer, TrainerState } from './trainer.js'

/** Mean loss of one pass over the training images, per model (CFLOW-AD: per scale, finest first). */
export interface PassRecord {
  /** 1-based. */
  readonly pass: number
  readonly losses: readonly number[]
  readonly learningRate: number
  readonly seconds: number
}

/** A training between two passes: all it needs to go on as if it had never stopped. */
export interface TrainingState {
  /** Passes done. */
  readonly passes: number
  readonly history: readonly PassRecord[]
  /** By name. */
  readonly tensors: ReadonlyMap<string, Tensor>
}

/**
 * Looks at the unfinished detector: after every `every`-th pass and after the last one, waited for. A resumed training
 * has it called for its own passes only, and for the last one before the interruption if `seen` says that it was not.
 */
export interface Epochs {
  readonly every: number
  readonly seen?: (pass: number) => boolean
  readonly onEpoch: (pass: number, head: Head) => Promise<void>
}

/** What a method trains in passes, and how. */
export interface Training {
  /** Trained side by side; model k learns from the k-th features of each image. */
  readonly trainers: readonly Trainer[]
  /** Name of the random numbers of a pass, with its number behind it. */
  readonly stream: string
  /** Number of images in each chunk of a pass: the vectors of a chunk are mixed. */
  readonly plan: readonly number[]
  /** The chunks of a pass; as `shuffled` gives them when absent. */
  chunks?(random: Random): AsyncIterable<readonly Features[]>
  /** Learning rate of a step. */
  rate(at: StepAt): number
  /** The head with its parameters, flat, model by model. */
  head(parameters: readonly Float32Array[]): Head
}

/** Where in a training a step of a model is, all counted from 0; `chunk` within the pass, `step` in all passes. */
export interface StepAt {
  readonly model: number
  readonly pass: number
  readonly chunk: number
  readonly step: number
  /** Steps of the model in all passes. */
  readonly steps: number
}

/** Milliseconds between two reports within a pass. */
const reportInterval = 250

/**
 * Passes over the training images until they are done. All randomness of a pass comes from the seed and the pass' number,
 * so that a resumed training repeats an uninterrupted one. The trainers are released.
 */
export async function trainInPasses(
  job: Job<{ readonly passes: number; readonly seed: number }>,
  training: Training,
): Promise<{ readonly head: Head; readonly history: readonly PassRecord[] }> {
  const { config, resumed, epochs, signal } = job
  const { trainers, rate } = training
  trainers.forEach((t, k) => resumed && t.restore(stateOf(resumed.tensors, k)))
  const history = [...(resumed?.history ?? [])]
  const first = resumed?.passes ?? 0
  const last = Math.min(config.passes, job.stopAfter ?? config.passes)
  const report = job.progress('train', last, first)
  const totals = trainers.map(({ model: { sampling, shape, area } }) =>
    total(training.plan.map((images) => sampling.count(shape, area, images))),
  )

  const onePass = async (pass: number): Promise<Omit<PassRecord, 'pass' | 'seconds'>> => {
    const random = Random.seeded(config.seed, `${training.stream} ${pass}`)
    const sums = trainers.map(() => 0)
    const counts = trainers.map(() => 0)
    const losses = () => sums.map((s, k) => s / Math.max(counts[k] as number, 1))
    let [learningRate, reported, chunk] = [0, 0, 0]
    for await (const images of training.chunks?.(random) ?? shuffled(job, training.plan, random)) {
      for (const [k, trainer] of trainers.entries()) {
        const vectors = images.map((features) => features[k] as Float32Array)
        const steps = (totals[k] as number) * config.passes
        for (const run of runs(trainer.select(images.length, random), () => trainer.maxSteps)) {
          signal?.throwIfAborted()
          const rates = run.map((_, i) =>
            rate({ model: k, pass, chunk, step: trainer.steps + i, steps }),
          )
          for (const loss of await trainer.step(vectors, run, rates)) {
            sums[k]! += loss
            counts[k]!++
          }
          learningRate = rates.at(-1) as number
          if (performance.now() - reported < reportInterval) continue
          reported = performance.now()
          report(pass + Math.min(total(counts) / total(totals), 1), losses())
        }
      }
      chunk++
    }
    return { losses: losses(), learningRate }
  }
  const current = async () =>
    training.head(await Promise.all(trainers.map(async (t) => (await t.state()).theta.data)))
  const look = async (pass: number) => {
    if (epochs && (pass % epochs.every === 0 || pass === last))
      await job.timed('epochs', async () => epochs.onEpoch(pass, await current()))
  }

  if (first > 0 && epochs?.seen?.(first) === false) await look(first)
  for (let pass = first; pass < last; pass++) {
    const began = performance.now()
    const result = await job.timed('train', () => onePass(pass))
    const seconds = (performance.now() - began) / 1000
    history.push({ pass: pass + 1, ...result, seconds })
    if (job.save) {
      const states = await Promise.all(trainers.map((t) => t.state()))
      const tensors = new Map(states.flatMap(namedState))
      await job.save({ passes: pass + 1, history: [...history], tensors }, pass + 1 === last)
    }
    report(pass + 1, result.losses)
    await look(pass + 1)
  }
  const head = await current()
  for (const t of trainers) await t.release()
  return { head, history }
}

/** The images in random order, chunk by chunk; what the plan leaves over is left out of this pass. */
async function* shuffled(
  { features, training }: Pick<Job<unknown>, 'features' | 'training'>,
  plan: readonly number[],
  random: Random,
): AsyncGenerator<readonly Features[]> {
  const order = random.permutation(training.length)
  let from = 0
  for (const size of plan) {
    const chosen = Array.from(order.subarray(from, (from += size)), (i) => training[i] as number)
    const chunk: Features[] = []
    for await (const f of features.of(chosen, random)) chunk.push(f)
    yield chunk
  }
}

/** Mini-batches in runs of a size that may change from one to the next; the last one with what is left. */
function* runs<T>(items: Iterable<T>, size: () => number): Generator<T[]> {
  let run: T[] = []
  for (const item of items) {
    run.push(item)
    if (run.length < size()) continue
    yield run
    run = []
  }
  if (run.length > 0) yield run
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

const keys = ['theta', 'm', 'v', 'steps'] as const
const nameOf = (k: number, key: string): string => `trainer${k}.${key}`

const namedState = (state: TrainerState, k: number): [string, Tensor][] =>
  keys.map((key) => [nameOf(k, key), state[key]])

function stateOf(tensors: ReadonlyMap<string, Tensor>, k: number): TrainerState {
  const found = keys.map((key) => [key, tensors.get(nameOf(k, key))] as const)
  const missing = found.find(([, t]) => !t)
  if (missing)
    throw new CflowError('CHECKPOINT', `the checkpoint has no ${nameOf(k, missing[0])}`, {
      hint: 'delete it, or begin again without --resume, with --overwrite',
    })
  return Object.fromEntries(found) as unknown as TrainerState
}
