import { allocate, floats, tensor } from '@cflow/base'
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
  unflatten,
} from '@cflow/core'
import type { FlatState, FlowConfig, FlowParameters, Loss } from '@cflow/core'
import type { Runtime, Tensors } from '@cflow/runtimes'
import type { ScaleShape } from './encoding.js'
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
  /** One optimisation step on the rows of a mini-batch. @returns the mean loss before the step */
  step(chunk: readonly Float32Array[], selection: Selection, learningRate: number): Promise<number>
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
  const byPlace = shape.positions === shape.rows && width + height < c
  const session = await runtime.createSession(
    trainingStep(config, initial, {
      rows: shape.rows,
      positions: byPlace ? { width, height } : shape.positions,
      loss,
    }),
    { state: stateNames(groups) },
  )
  const theta = flatten(config, initial).data as Float32Array
  const zeros = new Float32Array(theta.length)
  session.setState(splitState(groups, resume ?? { theta, m: zeros, v: zeros }))
  let steps = resume?.steps ?? 0
  const features = allocate('float32', shape.rows * depth)
  const fillCondition = c > 0 ? conditionFeed(scale, c, shape, byPlace) : undefined
  const scalarOf = (value: number) => floats('float32', [], [value])

  return {
    shape,
    get steps() {
      return steps
    },
    async step(chunk, selection, learningRate) {
      for (let r = 0; r < shape.rows; r++) {
        const rows = chunk[selection.image[r] as number] as Float32Array
        const from = (selection.position[r] as number) * depth
        features.set(rows.subarray(from, from + depth), r * depth)
      }
      const { rate, epsilon } = adamFeeds(learningRate, ++steps)
      const got = await session.run({
        [stepNames.features]: tensor('float32', [shape.rows, depth], features),
        ...fillCondition?.(selection),
        [stepNames.rate]: scalarOf(rate),
        [stepNames.epsilon]: scalarOf(epsilon),
      })
      return got[stepNames.loss]?.data[0] as number
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

/** The feed that tells a step where a mini-batch's rows are: places in the map, or the conditions of its positions. */
function conditionFeed(
  { width, height }: ScaleShape,
  c: number,
  shape: BatchShape,
  byPlace: boolean,
): (selection: Selection) => Tensors {
  if (byPlace) {
    const columns = width + height
    const places = allocate('float32', shape.rows * columns)
    return ({ position }) => {
      places.fill(0)
      position.forEach((p, r) => {
        places[r * columns + (p % width)] = 1
        places[r * columns + width + Math.floor(p / width)] = 1
      })
      return { [stepNames.places]: tensor('float32', [shape.rows, columns], places) }
    }
  }
  const encoding = Float32Array.from(positionalEncoding(height, width, c))
  const condition = allocate('float32', shape.positions * c)
  return ({ position }) => {
    for (let p = 0; p < shape.positions; p++) {
      const from = (position[p] as number) * c
      condition.set(encoding.subarray(from, from + c), p * c)
    }
    return { [stepNames.condition]: tensor('float32', [shape.positions, c], condition) }
  }
}
