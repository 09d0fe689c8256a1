import { input, type Value } from '@cflow/graph'
import { flowTransform, parameterShapes } from '../flow/flow.js'
import type { FlowConfig, FlowParameters } from '../flow/flow.js'
import { latentLogLikelihood, lossOf, perDimension, type Loss } from '../flow/likelihood.js'
import { conditionAxes, conditionRows, type Condition } from '../transforms/condition.js'
import { constantValues, type FloatType } from '../transforms/transform.js'
import {
  groupGradients,
  optimisationStep,
  optimisationSteps,
  optimiserNames,
  trainable,
} from './optimise.js'
import type { Trainable } from './optimise.js'
import { stateGroups, type StateGroup } from './state.js'

export interface TrainingStepOptions {
  /** Rows of a mini-batch. */
  readonly rows: number
  /** How the rows' positions are given (conditional flows). */
  readonly positions: StepPositions
  readonly loss: Loss
  readonly dtype?: FloatType
}

/**
 * Different positions of a mini-batch; row r is at position r mod positions. What depends on the position alone is worked
 * out once for each, so few positions make a step cheaper.
 * - a number: positions given by their conditions [positions, C];
 * - with a map's size: given by axis [positions, width + height], which is cheaper while width + height
 *   is less than C.
 */
export type StepPositions =
  number | { readonly positions: number; readonly width: number; readonly height: number }

/** Names of a training step's inputs and outputs. */
export const stepNames = {
  features: 'features',
  condition: 'condition',
  axes: 'axes',
  ...optimiserNames,
} as const

/** Numbers from which on a parameter is a tensor of its own in a training step. */
const ownFrom = 2 ** 16

/** How the state of a flow's training step is cut. */
export const stepState = (config: FlowConfig): readonly StateGroup[] =>
  stateGroups(parameterShapes(config), ownFrom)

function lossValue(
  config: FlowConfig,
  parameters: FlowParameters,
  { byName }: Trainable,
  options: TrainingStepOptions,
): Value {
  const { rows, positions, dtype = 'float32' } = options
  const x = input(stepNames.features, dtype, [rows, config.depth])
  const c = config.condition
  let condition: Condition | undefined
  if (c > 0 && typeof positions === 'number')
    condition = conditionRows(input(stepNames.condition, dtype, [positions, c]))
  else if (c > 0) {
    const { positions: count, width, height } = positions as Exclude<StepPositions, number>
    const axes = input(stepNames.axes, dtype, [count, width + height])
    condition = conditionAxes(axes, width, height, c)
  }
  const fixed = constantValues(parameters)
  // float64 is for comparison with the reference, whose rotations are orthogonal to float32's rounding only
  const flow = flowTransform(config, { lastMixing: dtype === 'float64' })
  const latent = flow.forward(x, (name) => byName.get(name) ?? fixed(name), { condition })
  const l = perDimension(latentLogLikelihood(latent), config.depth)
  return lossOf(l, options.loss)
}

/** The loss of a mini-batch and its gradient by the flat parameter vector `theta`, as values. */
export function lossAndGradient(
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): { readonly loss: Value; readonly gradient: Value } {
  const flat = trainable(parameterShapes(config), options.dtype)
  const loss = lossValue(config, parameters, flat, options)
  return { loss, gradient: groupGradients(loss, flat)[0] as Value }
}

/** A flow's loss, of parameters that are cut as `stepState` says. */
function stepLoss(
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): readonly [Value, Trainable] {
  const groups = trainable(parameterShapes(config), options.dtype, stepState(config))
  return [lossValue(config, parameters, groups, options), groups]
}

/**
 * One optimisation step as an ONNX file: forward, backward and Adam in one run.
 * Feeds: `features` [rows, D], for conditional flows `condition` [positions, C] or `axes` [positions, width + height],
 * and `rate` and `epsilon` [] (adamFeeds). Output: `loss` []. State: that of `stepState`.
 */
export const trainingStep = (
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): Uint8Array => optimisationStep(...stepLoss(config, parameters, options))

/**
 * Optimisation steps one after the other in one run (see `optimisationSteps`): the feeds of `trainingStep` with a leading
 * axis of the steps.
 */
export const trainingSteps = (
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): Uint8Array => optimisationSteps(...stepLoss(config, parameters, options))
