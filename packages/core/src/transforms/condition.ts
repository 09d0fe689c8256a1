import { floats } from '@cflow/base'
import { add, apply, concat, constant, gather, gemm, reduceSum, reshape, split } from '@cflow/graph'
import type { Operator, Value } from '@cflow/graph'
import { axisEncoding } from '../positional.js'
import type { FloatType, Rows } from './transform.js'

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
 * Positional conditions by position: a 1 in the position's column and one in its row of the map. Wᶜc is separable, so that
 * the 128 condition columns of the product become width + height table columns.
 * @param axes one-hot, [rows, width + height], columns first as in the positional encoding; or [positions, …] where rows
 *   run through the positions again and again
 */
export function conditionAxes(axes: Value, width: number, height: number, size: number): Condition {
  const encoding = (n: number) =>
    constant(floats(axes.dtype as FloatType, [n, size / 2], axisEncoding(n, size / 2)))
  const [columns, rows] = [encoding(width), encoding(height)]
  return ({ passive, weight, conditionWeight, bias }) => {
    const [wx, wy] = split(conditionWeight, [size / 2, size / 2], 1) as readonly [Value, Value]
    const byColumn = gemm(wx, columns, { transB: true })
    const byRow = gemm(wy, rows, { transB: true, c: reshape(bias, [-1, 1]) })
    return axes.shape[0] === passive.shape[0]
      ? joinedLinear(passive, axes, concat([weight, byColumn, byRow], 1), weight)
      : addRepeated(
          gemm(passive, weight, { transB: true }),
          gemm(axes, concat([byColumn, byRow], 1), { transB: true }),
        )
  }
}

/** Add one term per position to rows that run through the positions again and again. */
function addRepeated(rows: Value, term: Value): Value {
  const [positions, width] = term.shape
  if (rows.shape[0] === positions) return add(rows, term)
  const grouped = reshape(rows, [-1, positions as number, width as number])
  return reshape(add(grouped, term), [-1, width as number])
}

/** Add to every row what belongs to its position. @param term [positions, width] */
export const addByPosition = (x: Value, term: Value, { positions }: Rows): Value =>
  positions ? add(x, gather(term, positions, 0)) : addRepeated(x, term)

/**
 * [x, s]·Wᵀ + b as one wide product. The gradient by x is a product with W's first columns alone, since s is data: the
 * others are two thirds of it for small depths. Inputs x, s, W, those columns, and perhaps b; outputs the result and
 * [x, s].
 */
const JoinedLinear: Operator = {
  type: 'JoinedLinear',
  infer: (inputs) => {
    const [x, side, weight] = inputs as readonly [Value, Value, Value]
    const columns = (x.shape[1] as number) + (side.shape[1] as number)
    return [
      { dtype: x.dtype, shape: [x.shape[0] ?? null, weight.shape[0] as number] },
      { dtype: x.dtype, shape: [x.shape[0] ?? null, columns] },
    ]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const [, , , columns, bias] = node.inputs as readonly (Value | undefined)[]
    return [
      gemm(g, columns as Value),
      undefined,
      gemm(g, node.outputs[1] as Value, { transA: true }),
      undefined,
      bias && reduceSum(g, [0]),
    ]
  },
  lower: (node) => {
    const [x, side, weight, , bias] = node.inputs as readonly Value[]
    const joined = concat([x as Value, side as Value], 1)
    return [gemm(joined, weight as Value, { transB: true, c: bias }), joined]
  },
}

/**
 * [x, s]·Wᵀ + b [rows, hidden], differentiable in everything but s.
 * @param x [rows, n] @param side s [rows, m] @param weight W [hidden, n + m] @param columns W's first n columns
 */
const joinedLinear = (x: Value, side: Value, weight: Value, columns: Value, bias?: Value): Value =>
  apply(JoinedLinear, [x, side, weight, columns, ...(bias ? [bias] : [])])
