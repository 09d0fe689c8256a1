import { apply, concat, gemm, reduceSum, split } from '@cflow/graph'
import type { Operator, Value } from '@cflow/graph'

/**
 * [x, s]·[Wₓ, Wₛ]ᵀ + b as one wide product. Its gradient leaves out the columns of s, which are data: two thirds of the
 * product for small depths. Inputs x, s, Wₓ, Wₛ and perhaps b; outputs the result and [x, s].
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
    const [x, side, weight, , bias] = node.inputs as readonly Value[]
    const joined = gemm(g, node.outputs[1] as Value, { transA: true })
    const sizes = [x, side].map((v) => v?.shape[1] as number)
    return [
      gemm(g, weight as Value),
      undefined,
      ...split(joined, sizes, 1),
      bias && reduceSum(g, [0]),
    ]
  },
  lower: (node) => {
    const [x, side, weight, sideWeight, bias] = node.inputs as readonly Value[]
    const joined = concat([x as Value, side as Value], 1)
    const weights = concat([weight as Value, sideWeight as Value], 1)
    return [gemm(joined, weights, { transB: true, c: bias }), joined]
  },
}

/**
 * x·Wₓᵀ + s·Wₛᵀ + b [rows, hidden], differentiable in everything but s.
 * @param x [rows, n] @param side s [rows, m] @param weight Wₓ [hidden, n] @param sideWeight Wₛ [hidden, m]
 */
export const joinedLinear = (
  x: Value,
  side: Value,
  weight: Value,
  sideWeight: Value,
  bias?: Value,
): Value => apply(JoinedLinear, [x, side, weight, sideWeight, ...(bias ? [bias] : [])])
