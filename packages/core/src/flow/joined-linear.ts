import { apply, concat, gemm, reduceSum } from '@cflow/graph'
import type { Operator, Value } from '@cflow/graph'

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
export const joinedLinear = (
  x: Value,
  side: Value,
  weight: Value,
  columns: Value,
  bias?: Value,
): Value => apply(JoinedLinear, [x, side, weight, columns, ...(bias ? [bias] : [])])
