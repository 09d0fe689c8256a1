import { CflowError, Random, tensor, type Tensor } from '@cflow/base'
import type { Head } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import type { Features, Job, Learned } from '../method.js'
import { runs, type Trainer, type TrainerState } from './trainer.js'

/** Mean loss of one pass over the training images, per model (CFLOW-AD: per scale, finest first). */
export interface PassRecord {
  /** 1-based. */
  readonly pass: number
  readonly losses: readonly number[]
  /** Mean loss of the validation images after the pass, where there are any. */
  readonly validation?: readonly number[]
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
  /** Also at what the training starts from: before the first pass, or where it goes on. */
  readonly atStart?: boolean
  /** @param encoder as the method sees it @param passes that there are at most */
  readonly onEpoch: (
    pass: number,
    head: Head,
    encoder: EncoderModel,
    passes: number,
  ) => Promise<void>
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
  head(parameters: readonly Float32Array[]): Head | Promise<Head>
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

/** Passes without a gain on the validation images after which a training stops, as a share of all passes, and at least. */
const patience = { share: 0.25, passes: 2 } as const

/**
 * Passes over the training images until they are done, or bring nothing more on the validation images; of every model the
 * state is kept that these find likeliest, which may be the one at the start. All randomness of a pass comes from the seed
 * and the pass' number, so that a resumed training repeats an uninterrupted one. The trainers are released.
 */
export async function trainInPasses(
  job: Job<{ readonly passes: number; readonly seed: number }>,
  training: Training,
): Promise<Pick<Learned, 'head' | 'kept'> & { readonly history: readonly PassRecord[] }> {
  const { config, resumed, epochs = [], signal, finish, validation = [], passesOf } = job
  const { trainers, rate } = training
  trainers.forEach((t, k) => resumed && t.restore(stateOf(resumed.tensors, k)))
  const history = [...(resumed?.history ?? [])]
  const first = resumed?.passes ?? 0
  const wanted = Math.max(...(passesOf ?? [config.passes]))
  const last = Math.min(wanted, job.stopAfter ?? wanted)
  const isLearning = (k: number, pass: number) => pass < (passesOf?.[k] ?? Infinity)
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
        if (!isLearning(k, pass)) continue
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
          const all = total(totals.filter((_, k) => isLearning(k, pass)))
          report(pass + Math.min(total(counts) / all, 1), losses())
        }
      }
      chunk++
    }
    return { losses: losses(), learningRate }
  }
  const measure = validation.length > 0 ? await validationOf(job, trainers) : undefined
  const best = trainers.map((_, k) => resumed && bestOf(resumed.tensors, k))
  /** Mean loss of the validation images; the states that are better than those before are kept. */
  const validate = async (pass: number): Promise<readonly number[]> => {
    const losses: number[] = []
    for (const [k, trainer] of trainers.entries()) {
      const loss = measure ? await measure(k) : NaN
      losses.push(loss)
      if (!best[k] || loss < best[k].loss)
        best[k] = { loss, pass, theta: (await trainer.state()).theta }
    }
    return losses
  }
  const wait = Math.max(patience.passes, Math.ceil(patience.share * config.passes))
  const gains = (pass: number) => !measure || best.some((b) => pass - (b?.pass ?? 0) < wait)
  const current = async () =>
    training.head(
      await Promise.all(
        trainers.map(async (t, k) => (measure && best[k] ? best[k].theta : (await t.state()).theta).data), // prettier-ignore
      ),
    )
  const look = async (pass: number, wanted: (who: Epochs) => boolean) => {
    const those = epochs.filter(wanted)
    if (those.length === 0) return
    await job.timed('epochs', async () => {
      const head = await current()
      for (const { onEpoch } of those) await onEpoch(pass, head, job.encoder, last)
    })
  }
  const isDue = (pass: number) => (who: Epochs) => pass % who.every === 0 || pass === last

  if (measure && first === 0) await job.timed('validate', () => validate(0))
  const wasMissed = (who: Epochs) => first > 0 && who.seen?.(first) === false && isDue(first)(who)
  await look(first, (who) => who.atStart === true || wasMissed(who))
  const isEnough = (pass: number) => pass > 0 && !passesOf && finish?.aborted === true
  for (let pass = first; pass < last && gains(pass) && !isEnough(pass); pass++) {
    const began = performance.now()
    const result = await job.timed('train', () => onePass(pass))
    const seconds = (performance.now() - began) / 1000
    const held = measure && (await job.timed('validate', () => validate(pass + 1)))
    history.push({ pass: pass + 1, ...result, ...(held && { validation: held }), seconds })
    if (job.save) {
      const states = await Promise.all(trainers.map((t) => t.state()))
      const tensors = new Map([...states.flatMap(namedState), ...best.flatMap(namedBest)])
      await job.save({ passes: pass + 1, history: [...history], tensors }, pass + 1 === last)
    }
    report(pass + 1, result.losses)
    await look(pass + 1, isDue(pass + 1))
  }
  const head = await current()
  for (const t of trainers) await t.release()
  const kept = trainers.map((_, k) => (measure ? (best[k]?.pass ?? 0) : Math.min(history.length, passesOf?.[k] ?? Infinity))) // prettier-ignore
  return { head, history, kept }
}

/** Measures the loss of a model over the validation images: every time over the same vectors. */
async function validationOf(
  { features, validation = [], config }: Job<{ readonly seed: number }>,
  trainers: readonly Trainer[],
): Promise<(k: number) => Promise<number>> {
  const images: Features[] = []
  for await (const f of features.of(validation)) images.push(f)
  return (k) => {
    const trainer = trainers[k] as Trainer
    const { sampling, shape, area } = trainer.model
    // mini-batches take several images at once: those there are come again until they fill them
    const groups = Math.max(1, Math.ceil(shape.rows / shape.positions))
    let count = images.length
    while (count % groups !== 0 || sampling.count(shape, area, count) === 0) count++
    const vectors = Array.from({ length: count }, (_, i) => images[i % images.length]?.[k] as Float32Array) // prettier-ignore
    const random = Random.seeded(config.seed, `validation ${k}`)
    return trainer.measure(vectors, trainer.select(vectors.length, random))
  }
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

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

const keys = ['theta', 'm', 'v', 'steps'] as const
const nameOf = (k: number, key: string): string => `trainer${k}.${key}`

const namedState = (state: TrainerState, k: number): [string, Tensor][] =>
  keys.map((key) => [nameOf(k, key), state[key]])

/** A model's state after the pass that was best on the validation images. */
interface Best {
  readonly loss: number
  readonly pass: number
  readonly theta: Tensor<'float32'>
}

const namedBest = (best: Best | undefined, k: number): [string, Tensor][] =>
  best
    ? [
        [nameOf(k, 'best'), best.theta],
        [nameOf(k, 'validation'), tensor('float64', [2], Float64Array.of(best.loss, best.pass))],
      ]
    : []

function bestOf(tensors: ReadonlyMap<string, Tensor>, k: number): Best | undefined {
  const theta = tensors.get(nameOf(k, 'best')) as Tensor<'float32'> | undefined
  const [loss, pass] = tensors.get(nameOf(k, 'validation'))?.data ?? []
  return theta && { loss: Number(loss), pass: Number(pass), theta }
}

function stateOf(tensors: ReadonlyMap<string, Tensor>, k: number): TrainerState {
  const found = keys.map((key) => [key, tensors.get(nameOf(k, key))] as const)
  const missing = found.find(([, t]) => !t)
  if (missing)
    throw new CflowError('CHECKPOINT', `the checkpoint has no ${nameOf(k, missing[0])}`, {
      hint: 'delete it, or begin again without --resume, with --overwrite',
    })
  return Object.fromEntries(found) as unknown as TrainerState
}
