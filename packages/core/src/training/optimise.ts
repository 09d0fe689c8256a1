import { sizeOf } from '@cflow/base'
import { concat, gradients, input, reshape, split, writeOnnx } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { FloatType } from '../flow/parameters.js'
import { adamStep } from './adam.js'

/** Names and shapes of trainable tensors, in the order in which a flat vector holds them. */
export type ParameterShapes = readonly (readonly [name: string, shape: readonly number[]])[]

/** All trainable numbers of a model as one graph input, and the tensors cut out of it. */
export interface FlatParameters {
  /** `theta`, [parameters] */
  readonly theta: Value
  readonly pieces: readonly Value[]
  readonly byName: ReadonlyMap<string, Value>
}

/** Names of a training step's inputs and outputs besides what the loss needs. */
export const optimiserNames = {
  rate: 'rate',
  correction: 'correction',
  loss: 'loss',
  state: { theta_next: 'theta', m_next: 'm', v_next: 'v' },
} as const

/** Number of trainable numbers. */
export const parameterCount = (shapes: ParameterShapes): number =>
  shapes.reduce((n, [, shape]) => n + sizeOf(shape), 0)

export function flatParameters(
  shapes: ParameterShapes,
  dtype: FloatType = 'float32',
): FlatParameters {
  const theta = input('theta', dtype, [parameterCount(shapes)])
  const sizes = shapes.map(([, shape]) => sizeOf(shape))
  const pieces = split(theta, sizes, 0).map((piece, i) =>
    reshape(piece, (shapes[i] as ParameterShapes[number])[1]),
  )
  return { theta, pieces, byName: new Map(shapes.map(([name], i) => [name, pieces[i] as Value])) }
}

/** Gradient of a loss by the flat vector. */
export function flatGradient(loss: Value, { pieces }: FlatParameters): Value {
  return concat(
    gradients(loss, pieces).map((g) => reshape(g, [-1])),
    0,
  )
}

/**
 * One optimisation step as an ONNX file: forward, backward and Adam in one run.
 * Feeds: the inputs of the loss, `rate` and `correction` [] (adamFeeds). Output: `loss` [], before the step. State:
 * `theta`, `m`, `v`, flat vectors (optimiserNames.state).
 */
export function optimisationStep(
  loss: Value,
  { theta }: Pick<FlatParameters, 'theta'>,
  gradient: Value,
): Uint8Array {
  const flat = (name: string) => input(name, theta.dtype, theta.shape)
  const scalar = (name: string) => input(name, theta.dtype, [])
  const next = adamStep(
    theta,
    flat('m'),
    flat('v'),
    gradient,
    scalar(optimiserNames.rate),
    scalar(optimiserNames.correction),
  )
  return writeOnnx(
    { [optimiserNames.loss]: loss, theta_next: next.theta, m_next: next.m, v_next: next.v },
    { name: 'training step' },
  )
}
