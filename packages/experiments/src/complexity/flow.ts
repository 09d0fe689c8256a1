import { sizeOf, zeros, type Random } from '@cflow/base'
import { conditionSize, parameterShapes, type FlowConfig, type ScaleFlow } from '@cflow/core'
import { cflow, type MapShape } from '@cflow/methods'
import type { Recipe } from '../trial.js'
import { uniform } from './weights.js'

/** The flow of a scale under a recipe's defaults. */
export function flowConfigOf(depth: number, recipe: Recipe): FlowConfig {
  const { couplingLayers, permutation, clamp } = cflow.recipes[recipe]
  return { depth, condition: conditionSize, couplingLayers, permutation, clamp }
}

/** Trainable numbers θ of a flow, and all that the authors store: the rotations and their inverses too. */
export function flowSize(config: FlowConfig): {
  readonly trainable: number
  readonly stored: number
} {
  const trainable = parameterShapes(config).reduce((n, [, shape]) => n + sizeOf(shape), 0)
  const rotations =
    config.permutation === 'soft' ? 2 * config.couplingLayers * config.depth ** 2 : 0
  return { trainable, stored: trainable + rotations }
}

/**
 * Multiply–accumulate operations of one feature vector through the flow as a detector file holds it: the condition is a
 * table, and the last rotation is left out. The same as `multiplyAccumulates` of that graph, without folding it.
 */
export function flowOperations(config: FlowConfig): number {
  const weights = parameterShapes(config).filter(([name]) => name.endsWith('.weight'))
  // the condition's columns of the first layers are no part of it
  const products = weights.map(([, [rows = 0, columns = 0]], i) =>
    i % 2 === 0 ? rows * (columns - config.condition) : rows * columns,
  )
  const rotations = config.permutation === 'soft' ? config.couplingLayers - 1 : 0
  return products.reduce((a, b) => a + b, rotations * config.depth ** 2)
}

/**
 * A flow whose parameters are of ordinary size but mean nothing: zero, or random. The rotations are random matrices
 * instead of rotations, which take long to make for depths in the thousands.
 */
export function emptyFlow(config: FlowConfig, random?: Random): ScaleFlow {
  const { depth, couplingLayers, permutation } = config
  const layers = permutation === 'alternate' ? 0 : couplingLayers
  const mixings = Array.from({ length: layers }, (_, k) => [`module_list.${k}.w_perm`, [depth, depth]] as const) // prettier-ignore
  const parameters = new Map(
    [...parameterShapes(config), ...mixings].map(([name, shape]) => {
      const bound = 1 / Math.sqrt(shape.at(-1) as number)
      return [name, random ? uniform(random, shape, -bound, bound) : zeros('float32', shape)]
    }),
  )
  return { config, parameters }
}

/** Feature vectors of one image. */
export const positionsOf = ({ height, width }: MapShape): number => height * width
