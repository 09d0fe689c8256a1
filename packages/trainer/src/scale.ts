import { allocate, floats, zeros } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import {
  adamFeeds,
  flatten,
  positionalEncoding,
  stepNames,
  trainingStep,
  unflatten,
} from '@cflow/core'
import type { FlowConfig, FlowParameters, Loss } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import type { ScaleShape } from './encoding.js'
import type { BatchShape, Selection } from './sampling.js'

/** Parameters and Adam's state of one scale, flat. */
export interface ScaleState {
  readonly theta: Float32Array
  readonly m: Float32Array
  readonly v: Float32Array
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
  const session = await runtime.createSession(
    trainingStep(config, initial, { rows: shape.rows, positions: shape.positions, loss }),
    { state: stepNames.state },
  )
  const theta = flatten(config, initial) as Tensor<'float32'>
  const tensorOf = (data: Float32Array | undefined): Tensor =>
    data ? floats('float32', theta.shape, data) : zeros('float32', theta.shape)
  session.setState({
    theta: resume ? tensorOf(resume.theta) : theta,
    m: tensorOf(resume?.m),
    v: tensorOf(resume?.v),
  })
  let steps = resume?.steps ?? 0
  const { depth, height, width } = scale
  const c = config.condition
  const encoding = Float32Array.from(c > 0 ? positionalEncoding(height, width, c) : [])
  const features = allocate('float32', shape.rows * depth)
  const condition = allocate('float32', shape.positions * c)
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
      for (let p = 0; p < shape.positions && c > 0; p++) {
        const from = (selection.position[p] as number) * c
        condition.set(encoding.subarray(from, from + c), p * c)
      }
      const { rate, correction } = adamFeeds(learningRate, ++steps)
      const got = await session.run({
        [stepNames.features]: floats32(shape.rows, depth, features),
        ...(c > 0 && { [stepNames.condition]: floats32(shape.positions, c, condition) }),
        [stepNames.rate]: scalarOf(rate),
        [stepNames.correction]: scalarOf(correction),
      })
      return got[stepNames.loss]?.data[0] as number
    },
    async state() {
      const s = await session.getState()
      const get = (name: string) => s[name]?.data as Float32Array
      return { theta: get('theta'), m: get('m'), v: get('v'), steps }
    },
    async parameters() {
      const s = await session.getState()
      return unflatten(config, s['theta'] as Tensor<'float32'>, initial)
    },
    release: () => session.release(),
  }
}

/** A tensor over an array that is reused: the runtime has read it when its run is over. */
const floats32 = (rows: number, columns: number, data: Float32Array): Tensor<'float32'> => ({
  dtype: 'float32',
  shape: [rows, columns],
  data,
})
