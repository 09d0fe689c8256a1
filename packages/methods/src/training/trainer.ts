import { allocate, sizeOf, tensor, type Random, type Tensor } from '@cflow/base'
import {
  adamFeeds,
  joinState,
  optimisationStep,
  optimisationSteps,
  optimiserNames,
  splitState,
  stateNames,
  trainable,
  type ParameterShapes,
  type StateGroup,
  type Values,
} from '@cflow/core'
import { input, type Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type { BatchShape, Sampling, Selection } from './sampling.js'

/** Vectors that a model learns from, and how mini-batches are made of them. */
export interface Vectors {
  /** Length of a vector. */
  readonly depth: number
  /** Positions of an image's map. */
  readonly area: number
  readonly shape: BatchShape
  readonly sampling: Sampling
}

/** A model that is to be trained. */
export interface Model extends Vectors {
  /** An optimisation step as an ONNX file (see `optimisationStep`), or many of them in one run. */
  readonly step: Uint8Array
  readonly groups: readonly StateGroup[]
  /** Parameters at the start, flat. */
  readonly start: Float32Array
  /** What a step is fed of its rows beside their features. */
  readonly condition?: RowFeed | undefined
}

/** An input of a step that depends on the rows of a mini-batch. */
export interface RowFeed {
  readonly name: string
  readonly shape: readonly number[]
  fill(data: Float32Array, selection: Selection, chunk: readonly Float32Array[]): void
}

/** A model in training: parameters and Adam's sums stay in the runtime. */
export interface Trainer {
  readonly model: Model
  /** Steps taken. */
  readonly steps: number
  /** Steps of the next run at most: those that take about half a second, at the speed of the last run. */
  readonly maxSteps: number
  /** Mini-batches of a chunk of images. */
  select(images: number, random: Random): Iterable<Selection>
  /**
   * Optimisation steps, one for each mini-batch.
   * @param chunk vectors of every image [area, depth]
   * @param selections rows of every mini-batch; no more of them than `maxSteps` has ever been
   * @param learningRates of every step
   * @returns the mean loss before each step
   */
  step(
    chunk: readonly Float32Array[],
    selections: readonly Selection[],
    learningRates: readonly number[],
  ): Promise<Float32Array>
  /**
   * The mean loss over mini-batches, without learning from them.
   * @param chunk vectors of every image [area, depth]
   */
  measure(chunk: readonly Float32Array[], selections: Iterable<Selection>): Promise<number>
  /** All that it needs to go on: parameters and Adam's sums, flat, and the steps taken. */
  state(): Promise<TrainerState>
  restore(state: TrainerState): void
  release(): Promise<void>
}

export type TrainerState = {
  readonly [K in 'theta' | 'm' | 'v']: Tensor<'float32'>
} & { readonly steps: Tensor<'int32'> }

/** The input of every step that takes the rows' features. */
const featuresFeed = ({ shape: { rows }, depth }: Vectors): RowFeed => ({
  name: 'features',
  shape: [rows, depth],
  fill(data, { image, position }, chunk) {
    for (let r = 0; r < rows; r++) {
      const from = (position[r] as number) * depth
      const vectors = chunk[image[r] as number] as Float32Array
      data.set(vectors.subarray(from, from + depth), r * depth)
    }
  },
})

/**
 * The trainer of a model whose loss follows from features alone.
 * @param loss of rows [rows, depth], a scalar
 */
export function lossTrainer(
  runtime: Runtime,
  vectors: Vectors,
  shapes: ParameterShapes,
  start: Float32Array,
  loss: (rows: Value, values: Values) => Value,
): Promise<Trainer> {
  const parameters = trainable(shapes)
  const { name, shape } = featuresFeed(vectors)
  const value = loss(input(name, 'float32', shape), (key) => parameters.byName.get(key) as Value)
  const write = runtime.scans ? optimisationSteps : optimisationStep
  const groups = parameters.groups.map(({ group }) => group)
  return trainer(runtime, { ...vectors, step: write(value, parameters), groups, start })
}

export async function trainer(runtime: Runtime, model: Model): Promise<Trainer> {
  const { groups, start, depth, area, shape, sampling, condition } = model
  const capacity = runtime.scans ? stepsInMemory(shape.rows * depth) : 1
  const session = await runtime.createSession(model.step, { state: stateNames(groups) })
  const zeros = new Float32Array(start.length)
  session.setState(splitState(groups, { theta: start, m: zeros, v: zeros }))
  let steps = 0
  let maxSteps = 1
  const rowFeeds = [featuresFeed(model), ...(condition ? [condition] : [])]
  // arrays that are used again: the runtime has read them when a run is over
  const inputs = rowFeeds.map((feed) => ({ feed, ...stepInput(runtime, capacity, feed.shape) }))
  const [rate, epsilon] = [stepInput(runtime, capacity, []), stepInput(runtime, capacity, [])]

  const run = async (
    chunk: readonly Float32Array[],
    selections: readonly Selection[],
    scalars: readonly ReturnType<typeof adamFeeds>[],
  ): Promise<Float32Array> => {
    selections.forEach((selection, i) => {
      rate.of(i)[0] = scalars[i]?.rate as number
      epsilon.of(i)[0] = scalars[i]?.epsilon as number
      for (const { feed, of } of inputs) feed.fill(of(i), selection, chunk)
    })
    const count = selections.length
    const got = await session.run({
      ...Object.fromEntries(inputs.map(({ feed, first }) => [feed.name, first(count)])),
      [optimiserNames.rate]: rate.first(count),
      [optimiserNames.epsilon]: epsilon.first(count),
    })
    return got[optimiserNames.loss]?.data as Float32Array
  }

  return {
    model,
    get steps() {
      return steps
    },
    get maxSteps() {
      return maxSteps
    },
    select: (images, random) => sampling.select(shape, area, images, random),
    async step(chunk, selections, learningRates) {
      const scalars = learningRates.map((learningRate) => adamFeeds(learningRate, ++steps))
      const began = performance.now()
      const losses = await run(chunk, selections, scalars)
      const each = (performance.now() - began) / selections.length
      maxSteps = Math.max(1, Math.min(capacity, Math.floor(runTime / each)))
      return losses
    },
    async measure(chunk, selections) {
      // a step at the rate 0 moves no parameter; Adam's sums are put back
      const state = await session.getState()
      let [sum, count] = [0, 0]
      for (const some of runs(selections, () => maxSteps)) {
        for (const loss of await run(
          chunk,
          some,
          some.map(() => ({ rate: 0, epsilon: 1 })),
        ))
          sum += loss
        count += some.length
      }
      session.setState(state)
      return sum / count
    },
    async state() {
      const { theta, m, v } = joinState(groups, await session.getState())
      const flat = (data: Float32Array) => tensor('float32', [data.length], data)
      const taken = tensor('int32', [1], Int32Array.of(steps))
      return { theta: flat(theta), m: flat(m), v: flat(v), steps: taken }
    },
    restore({ theta, m, v, steps: taken }) {
      session.setState(splitState(groups, { theta: theta.data, m: m.data, v: v.data }))
      steps = taken.data[0] as number
    },
    release: () => session.release(),
  }
}

/** Mini-batches in runs of a size that may change from one to the next; the last one with what is left. */
export function* runs<T>(items: Iterable<T>, size: () => number): Generator<T[]> {
  let run: T[] = []
  for (const item of items) {
    run.push(item)
    if (run.length < size()) continue
    yield run
    run = []
  }
  if (run.length > 0) yield run
}

/**
 * Milliseconds of a run: copying the state is little beside it, and an interruption is soon heard. Runtimes differ too
 * much for an amount of work: WASM with one thread has a tenth of the speed of a native CPU.
 */
const runTime = 500
/** Bytes of a run's features at most, but for a single step. */
const runBytes = 16 * 2 ** 20

/** Steps whose features are kept at once. */
const stepsInMemory = (numbers: number): number =>
  Math.max(1, Math.min(16, Math.floor(runBytes / (4 * numbers))))

/** An input of every step of a run: the numbers of one step, and the first steps as a tensor. */
function stepInput({ scans }: Runtime, steps: number, shape: readonly number[]) {
  const size = sizeOf(shape)
  const data = allocate('float32', steps * size)
  return {
    of: (step: number) => data.subarray(step * size, (step + 1) * size),
    first: (count: number) =>
      tensor('float32', scans ? [count, ...shape] : shape, data.subarray(0, count * size)),
  }
}
