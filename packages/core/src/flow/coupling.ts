import { add, gemm, relu, reshape, scale, softplus, split, tanh } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { clampBound } from './config.js'
import type { BlockShape, FlowConfig } from './config.js'

/**
 * The condition's part of a subnet's first layer: from the layer's condition columns [hidden, C], the term
 * c·Wᶜᵀ of every row, [rows, hidden], or of every position [positions, hidden] where rows repeat the positions.
 */
export type Condition = (weight: Value) => Value

/** Conditions given row by row: c [rows, C]. */
export const conditionRows =
  (c: Value): Condition =>
  (weight) =>
    gemm(c, weight, { transB: true })

/** Parameters of one coupling layer as graph values. */
export interface BlockValues {
  readonly weight0: Value
  readonly bias0: Value
  readonly weight2: Value
  readonly bias2: Value
  /** [1, D]; absent for `alternate`. */
  readonly globalScale?: Value
  readonly globalOffset?: Value
  /** W [D, D] of `soft`, or the source column of each column for `hard`. */
  readonly rotation?: Value
  readonly order?: readonly number[]
}

/** Log-scale σ and shift of the active half, from the passive half and the condition: 0.1·subnet([x₁; c]), clamped. */
export function scaleAndShift(
  passive: Value,
  values: BlockValues,
  shape: BlockShape,
  config: FlowConfig,
  condition: Condition | undefined,
): readonly [Value, Value] {
  let before: Value
  if (condition && config.condition > 0) {
    const [wx, wc] = split(values.weight0, [shape.passive, config.condition], 1)
    const term = add(condition(wc as Value), values.bias0)
    before = addRepeated(gemm(passive, wx as Value, { transB: true }), term)
  } else before = gemm(passive, values.weight0, { transB: true, c: values.bias0 })
  const out = gemm(relu(before), values.weight2, {
    transB: true,
    c: values.bias2,
    alpha: 0.1,
    beta: 0.1,
  })
  const [a, shift] = split(out, [shape.active, shape.active], 1)
  return [clamped(a as Value, config), shift as Value]
}

function clamped(a: Value, config: FlowConfig): Value {
  return config.clamp === 'paper'
    ? scale(tanh(a), clampBound)
    : scale(tanh(scale(a, 1 / clampBound)), clampBound)
}

/** Add one term per position to rows that run through the positions again and again. */
export function addRepeated(rows: Value, term: Value): Value {
  const [positions, width] = term.shape
  if (rows.shape[0] === positions) return add(rows, term)
  const grouped = reshape(rows, [-1, positions as number, width as number])
  return reshape(add(grouped, term), [-1, width as number])
}

/** g = 0.2·ln(1 + e^{γ/2}) [1, D]: FrEIA's 0.1·softplus with β = 0.5; linear where γ/2 > 20, as in PyTorch. */
export function globalScale(gamma: Value): Value {
  // ln(1 + e^x) and x agree to rounding beyond 20, so one expression serves both
  return scale(softplus(scale(gamma, 0.5)), 0.2)
}
