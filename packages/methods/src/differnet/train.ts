import { optimisationStep, trainable } from '@cflow/core'
import { input, reduceMean, reduceSumSquare, scale, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Standardisation } from '../moments.js'
import { standardised } from '../standardised.js'
import { differnetForward, differnetShapes } from './flow.js'
import type { DiffernetFlow } from './flow.js'

/** −log p of every row up to a constant, ½‖z‖² − ln|det J|, and the latent vectors. @param rows pooled features [R, D] */
export function negativeLogLikelihood(
  rows: Value,
  flow: DiffernetFlow,
  scaling: Standardisation,
  values: ReadonlyMap<string, Value>,
): { readonly latent: Value; readonly loss: Value } {
  const { latent, logDeterminant } = differnetForward(standardised(rows, scaling), flow, values)
  return { latent, loss: sub(scale(reduceSumSquare(latent, [1]), 0.5), logDeterminant) }
}

/** One step of DifferNet's training on `features` [rows, D]; see `optimisationStep` for the rest. */
export function differnetTrainingStep(
  flow: DiffernetFlow,
  scaling: Standardisation,
  rows: number,
): Uint8Array {
  const parameters = trainable(differnetShapes(flow))
  const features = input('features', 'float32', [rows, flow.depth])
  const { loss } = negativeLogLikelihood(features, flow, scaling, parameters.byName)
  const mean = scale(reduceMean(loss, [0]), 1 / flow.depth)
  return optimisationStep(mean, parameters)
}
