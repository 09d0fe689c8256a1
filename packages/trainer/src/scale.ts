import { allocate, floats, sizeOf } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import {
  adamFeeds,
  flatten,
  joinState,
  positionalEncoding,
  splitState,
  stateNames,
  stepNames,
  stepState,
  trainingStep,
  trainingSteps,
  unflatten,
} from '@cflow/core'
import type { FlatState, FlowConfig, FlowParameters, Loss } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import type { ScaleShape } from './encoding.js'
import { now } from './progress.js'
import type { BatchShape, Selection } from './sampling.js'

/** Parameters and Adam's state of one scale, flat. */
export interface ScaleState extends FlatState {
  /** Steps taken. */
  readonly steps: number
}

/** The flow of one scale while it is trained. */
export interface ScaleTrainer {
  readonly shape: BatchShape
  readonly steps: number
  /** Steps of the next run at most: those that take about half a second, at the speed of the last run. */
  readonly mostSteps: number
  /**
   * Optimisation steps, one for each mini-batch.
   * @param chunk vectors of every image [height·width, depth]
   * @param selections rows of every mini-batch; no more of them than `mostSteps` has ever been
   * @param learningRates of every step
   * @returns the mean loss before each step
   */
  step(
    chunk: readonly Float32Array[],
    selections: readonly Selection[],
    learningRates: readonly number[],
  ): Promise<Float32Array>
  state(): Promise<ScaleState>
  parameters(): Promise<FlowParameters>
  release(): Promise<void>
}

export async function scaleTrainer(
  runtime: Runtime,
  scale: ScaleShape,
  config: FlowConfig,
  initial: FlowParameters,
  shape: BatchShape,
  loss: Loss,
  resume?: ScaleState,
): Promise<ScaleTrainer> {
  const groups = stepState(config)
  const { depth, height, width } = scale
  const c = config.condition
  const byPlace = width + height < c
  const options = {
    rows: shape.rows,
    positions: byPlace ? { positions: shape.positions, width, height } : shape.positions,
    loss,
  }
  const capacity = runtime.scans ? stepsInMemory(shape.rows * depth) : 1
  const session = await runtime.createSession(
    runtime.scans
      ? trainingSteps(config, initial, options)
      : trainingStep(config, initial, options),
    { state: stateNames(groups) },
  )
  const theta = flatten(config, initial).data as Float32Array
  const zeros = new Float32Array(theta.length)
  session.setState(splitState(groups, resume ?? { theta, m: zeros, v: zeros }))
  let steps = resume?.steps ?? 0
  let mostSteps = 1
  const features = feed(capacity, [shape.rows, depth])
  const condition = c > 0 ? conditionFeed(scale, c, shape, byPlace, capacity) : undefined
  const [rate, epsilon] = [feed(capacity, []), feed(capacity, [])]

  return {
    shape,
    get mostSteps() {
      return mostSteps
    },
    get steps() {
      return steps
    },
    async step(chunk, selections, learningRates) {
      selections.forEach((selection, i) => {
        const scalars = adamFeeds(learningRates[i] as number, ++steps)
        rate.of(i)[0] = scalars.rate
        epsilon.of(i)[0] = scalars.epsilon
        condition?.fill(i, selection)
        const batch = features.of(i)
        for (let r = 0; r < shape.rows; r++) {
          const rows = chunk[selection.image[r] as number] as Float32Array
          const from = (selection.position[r] as number) * depth
          batch.set(rows.subarray(from, from + depth), r * depth)
        }
      })
      const first = (f: Feed) => f.first(selections.length, runtime.scans)
      const began = now()
      const got = await session.run({
        [stepNames.features]: first(features),
        ...(condition && { [condition.name]: first(condition.feed) }),
        [stepNames.rate]: first(rate),
        [stepNames.epsilon]: first(epsilon),
      })
      const each = (now() - began) / selections.length
      mostSteps = Math.max(1, Math.min(capacity, Math.floor(runTime / each)))
      return got[stepNames.loss]?.data as Float32Array
    },
    async state() {
      return { ...joinState(groups, await session.getState()), steps }
    },
    async parameters() {
      const { theta } = joinState(groups, await session.getState())
      return unflatten(config, floats('float32', [theta.length], theta), initial)
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

/** What tells a step where a mini-batch's rows are: axes of the map, or the conditions of its positions. */
function conditionFeed(
  { width, height }: ScaleShape,
  c: number,
  shape: BatchShape,
  byPlace: boolean,
  steps: number,
): { readonly name: string; readonly feed: Feed; fill(step: number, selection: Selection): void } {
  if (byPlace) {
    const columns = width + height
    const axes = feed(steps, [shape.positions, columns])
    return {
      name: stepNames.axes,
      feed: axes,
      fill(step, { position }) {
        const data = axes.of(step).fill(0)
        for (let i = 0; i < shape.positions; i++) {
          const p = position[i] as number
          data[i * columns + (p % width)] = 1
          data[i * columns + width + Math.floor(p / width)] = 1
        }
      },
    }
  }
  const encoding = Float32Array.from(positionalEncoding(height, width, c))
  const condition = feed(steps, [shape.positions, c])
  return {
    name: stepNames.condition,
    feed: condition,
    fill(step, { position }) {
      const data = condition.of(step)
      for (let p = 0; p < shape.positions; p++) {
        const from = (position[p] as number) * c
        data.set(encoding.subarray(from, from + c), p * c)
      }
    },
  }
}
