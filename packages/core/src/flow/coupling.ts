import { floats } from '@cflow/base'
import {
  add,
  concat,
  constant,
  gemm,
  relu,
  reshape,
  scale,
  softplus,
  split,
  tanh,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { axisEncoding } from '../positional.js'
import { clampBound } from './config.js'
import type { BlockShape, FlowConfig } from './config.js'
import { joinedLinear } from './joined-linear.js'
import type { FloatType } from './parameters.js'

/** A subnet's first layer, x₁·Wₓᵀ + c·Wᶜᵀ + b [rows, hidden], with the condition c supplied in some form. */
export type Condition = (layer: ConditionedLayer) => Value

export interface ConditionedLayer {
  /** x₁ [rows, passive] */
  readonly passive: Value
  /** [Wₓ, Wᶜ] [hidden, passive + C] */
  readonly whole: Value
  /** Wₓ [hidden, passive] */
  readonly weight: Value
  /** Wᶜ [hidden, C] */
  readonly conditionWeight: Value
  /** b [hidden] */
  readonly bias: Value
}

/** Conditions c [rows, C], one a row, or [positions, C] where rows run through the positions again and again. */
export const conditionRows =
  (c: Value): Condition =>
  ({ passive, whole, weight, conditionWeight, bias }) =>
    c.shape[0] === passive.shape[0]
      ? joinedLinear(passive, c, whole, weight, bias)
      : addRepeated(
          gemm(passive, weight, { transB: true }),
          gemm(c, conditionWeight, { transB: true, c: bias }),
        )

/**
 * Positional conditions by place: a 1 in the position's column and one in its row of the map. Wᶜc is separable, so that
 * the 128 condition columns of the product become width + height table columns.
 * @param places one-hot, [rows, width + height], columns first as in the positional encoding; or [positions, …] where rows
 *   run through the positions again and again
 */
export function conditionPlaces(
  places: Value,
  width: number,
  height: number,
  size: number,
): Condition {
  const encoding = (n: number) =>
    constant(floats(places.dtype as FloatType, [n, size / 2], axisEncoding(n, size / 2)))
  const [columns, rows] = [encoding(width), encoding(height)]
  return ({ passive, weight, conditionWeight, bias }) => {
    const [wx, wy] = split(conditionWeight, [size / 2, size / 2], 1) as readonly [Value, Value]
    const byColumn = gemm(wx, columns, { transB: true })
    const byRow = gemm(wy, rows, { transB: true, c: reshape(bias, [-1, 1]) })
    return places.shape[0] === passive.shape[0]
      ? joinedLinear(passive, places, concat([weight, byColumn, byRow], 1), weight)
      : addRepeated(
          gemm(passive, weight, { transB: true }),
          gemm(places, concat([byColumn, byRow], 1), { transB: true }),
        )
  }
}

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
    const [weight, conditionWeight] = split(
      values.weight0,
      [shape.passive, config.condition],
      1,
    ) as readonly [Value, Value]
    before = condition({
      passive,
      whole: values.weight0,
      weight,
      conditionWeight,
      bias: values.bias0,
    })
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
