import { input } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { conditionRows } from '../flow/coupling.js'
import { parameterShapes } from '../flow/config.js'
import type { FlowConfig } from '../flow/config.js'
import { flowForward, flowValues, splitHalves } from '../flow/flow.js'
import { logLikelihood, lossOf, perDimension } from '../flow/likelihood.js'
import type { Loss } from '../flow/likelihood.js'
import type { FloatType, FlowParameters } from '../flow/parameters.js'
import { flatGradient, flatParameters, optimisationStep, optimiserNames } from './optimise.js'

export interface TrainingStepOptions {
  /** Rows of a mini-batch. */
  readonly rows: number
  /**
   * Different positions in a mini-batch: row r is at position r mod positions. A condition is worked out once for each
   * position, so few positions make a step cheaper; as many as rows give full freedom.
   */
  readonly positions: number
  readonly loss: Loss
  readonly dtype?: FloatType
}

/** Names of a training step's inputs and outputs. */
export const stepNames = {
  features: 'features',
  condition: 'condition',
  ...optimiserNames,
} as const

/** The loss of a mini-batch and its gradient by the flat parameter vector, as values. */
export function lossAndGradient(
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): { readonly theta: Value; readonly loss: Value; readonly gradient: Value } {
  const dtype = options.dtype ?? 'float32'
  const parametersIn = flatParameters(parameterShapes(config), dtype)
  const x = input(stepNames.features, dtype, [options.rows, config.depth])
  const condition =
    config.condition > 0
      ? conditionRows(input(stepNames.condition, dtype, [options.positions, config.condition]))
      : undefined
  const result = flowForward(
    config,
    flowValues(config, parameters, parametersIn.byName),
    splitHalves(x, config.depth),
    condition,
  )
  const l = perDimension(logLikelihood(result, config.depth), config.depth)
  const loss = lossOf(l, options.loss)
  return { theta: parametersIn.theta, loss, gradient: flatGradient(loss, parametersIn) }
}

/**
 * One optimisation step as an ONNX file: forward, backward and Adam in one run.
 * Feeds: `features` [rows, D], `condition` [positions, C] (conditional flows), `rate` and `correction` [] (adamFeeds).
 * Output: `loss` []. State: `theta`, `m`, `v`, flat vectors (stepNames.state).
 */
export function trainingStep(
  config: FlowConfig,
  parameters: FlowParameters,
  options: TrainingStepOptions,
): Uint8Array {
  const { theta, loss, gradient } = lossAndGradient(config, parameters, options)
  return optimisationStep(loss, { theta }, gradient)
}
