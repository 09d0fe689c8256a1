import { allocate, sizeOf, tensor, type Random, type Tensor } from '@cflow/base'
import {
  adamFeeds,
  joinState,
  optimisationStep,
  optimisationSteps,
  optimiserNames,
  splitState,
  stateNames,
  type StateGroup,
  type Trainable,
} from '@cflow/core'
import type { Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type { BatchShape, Sampling, Selection } from './sampling.js'

/** A model that is to be trained: an optimisation step, and where its mini-batches come from. */
export interface Model {
  /** The step as an ONNX file (see `optimisationStep`), or many of them in one run. */
  readonly step: Uint8Array
  readonly groups: readonly StateGroup[]
  /** Parameters at the start, flat. */
  readonly start: Float32Array
  /** Length of the feature vectors. */
  readonly depth: number
  /** Positions of an image's map. */
  readonly area: number
  readonly shape: BatchShape
  readonly sampling: Sampling
  /** What a step is fed of its rows beside their features. */
  readonly condition?: RowFeed | undefined
}

/** An input of a step that depends on where the rows of a mini-batch are. */
export interface RowFeed {
  readonly name: string
  readonly shape: readonly number[]
  fill(data: Float32Array, selection: Selection): void
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
  /** All that it needs to go on: parameters and Adam's sums, flat, and the steps taken. */
  state(): Promise<TrainerState>
  restore(state: TrainerState): void
  release(): Promise<void>
}

export type TrainerState = {
  readonly [K in 'theta' | 'm' | 'v']: Tensor<'float32'>
} & { readonly steps: Tensor<'int32'> }

/** Name of the input of every step that takes the rows' features. */
const featuresName = 'features'

/** The step that lowers a loss, in the form that is fast in a runtime. */
export const stepOf = (runtime: Runtime, loss: Value, parameters: Trainable) => ({
  step: runtime.repeats ? optimisationSteps(loss, parameters) : optimisationStep(loss, parameters),
  groups: parameters.groups.map(({ group }) => group),
})

export async function trainer(runtime: Runtime, model: Model): Promise<Trainer> {
  const { groups, start, depth, area, shape, sampling, condition } = model
  const capacity = runtime.repeats ? stepsInMemory(shape.rows * depth) : 1
  const session = await runtime.createSession(model.step, { state: stateNames(groups) })
  const zeros = new Float32Array(start.length)
  session.setState(splitState(groups, { theta: start, m: zeros, v: zeros }))
  let steps = 0
  let maxSteps = 1
  const features = feed(capacity, [shape.rows, depth])
  const rows = condition && feed(capacity, condition.shape)
  const [rate, epsilon] = [feed(capacity, []), feed(capacity, [])]

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
      selections.forEach((selection, i) => {
        const scalars = adamFeeds(learningRates[i] as number, ++steps)
        rate.of(i)[0] = scalars.rate
        epsilon.of(i)[0] = scalars.epsilon
        if (rows) condition?.fill(rows.of(i), selection)
        const batch = features.of(i)
        for (let r = 0; r < shape.rows; r++) {
          const vectors = chunk[selection.image[r] as number] as Float32Array
          const from = (selection.position[r] as number) * depth
          batch.set(vectors.subarray(from, from + depth), r * depth)
        }
      })
      const first = (f: Feed) => f.first(selections.length, runtime.repeats)
      const began = performance.now()
      const got = await session.run({
        [featuresName]: first(features),
        ...(rows && condition && { [condition.name]: first(rows) }),
        [optimiserNames.rate]: first(rate),
        [optimiserNames.epsilon]: first(epsilon),
      })
      const each = (performance.now() - began) / selections.length
      maxSteps = Math.max(1, Math.min(capacity, Math.floor(runTime / each)))
      return got[optimiserNames.loss]?.data as Float32Array
    },
    async state() {
      const { theta, m, v } = joinState(groups, await session.getState())
      const flat = (data: Float32Array) => tensor('float32', [data.length], data)
      return {
        theta: flat(theta),
        m: flat(m),
        v: flat(v),
        steps: tensor('int32', [1], Int32Array.of(steps)),
      }
    },
    restore({ theta, m, v, steps: taken }) {
      session.setState(splitState(groups, { theta: theta.data, m: m.data, v: v.data }))
      steps = taken.data[0] as number
    },
    release: () => session.release(),
  }
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

/** An input of every step of a run, over one array that is used again: the runtime has read it when its run is over. */
interface Feed {
  /** The numbers of one step. */
  of(step: number): Float32Array
  /** The first steps as a tensor; of a single one without the leading axis, if there is to be none. */
  first(steps: number, axis: boolean): Tensor<'float32'>
}

function feed(steps: number, shape: readonly number[]): Feed {
  const size = sizeOf(shape)
  const data = allocate('float32', steps * size)
  return {
    of: (step) => data.subarray(step * size, (step + 1) * size),
    first: (count, axis) => ({
      dtype: 'float32',
      shape: axis ? [count, ...shape] : shape,
      data: data.subarray(0, count * size),
    }),
  }
}
