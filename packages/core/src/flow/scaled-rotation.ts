import { apply, div, gemm, mul, reduceSum, reshape, transpose } from '@cflow/graph'
import type { Operator, Value } from '@cflow/graph'

/**
 * y = W(g⊙u + τ) with g and τ folded into the product. The gradient by g needs no product of its own:
 * ∂L/∂u = g⊙(Wᵀ·∂L/∂y), so ∂L/∂g = Σ(∂L/∂u ⊙ u)/g. Inputs u, g, τ, W; outputs y and diag(g)·Wᵀ.
 */
const ScaledRotation: Operator = {
  type: 'ScaledRotation',
  infer: (inputs) => {
    const [u, , , w] = inputs as readonly [Value, Value, Value, Value]
    return [u, w].map(({ dtype, shape }) => ({ dtype, shape }))
  },
  gradient: (node, [gradient]) => {
    if (!gradient) return []
    const [u, g, , w] = node.inputs as readonly [Value, Value, Value, Value]
    const du = gemm(gradient, node.outputs[1] as Value, { transB: true })
    return [
      du,
      div(reduceSum(mul(du, u), [0], true), g),
      gemm(reduceSum(gradient, [0], true), w),
      undefined,
    ]
  },
  lower: (node) => {
    const [u, g, tau, w] = node.inputs as readonly [Value, Value, Value, Value]
    const matrix = mul(transpose(w, [1, 0]), reshape(g, [-1, 1]))
    return [gemm(u, matrix, { c: gemm(tau, w, { transB: true }) }), matrix]
  },
}

/**
 * W(g⊙u + τ) of every row, differentiable in u, g and τ.
 * @param u [rows, D] @param g [1, D], positive @param tau τ [1, D] @param w W [D, D], fixed
 */
export function scaledRotation(u: Value, g: Value, tau: Value, w: Value): Value {
  const [rows] = u.shape
  // few rows are scaled sooner than the matrix, which is then the same in every run and packed once
  if (typeof rows === 'number' && 2 * rows <= (w.shape[0] as number))
    return gemm(mul(u, g), transpose(w, [1, 0]), { c: gemm(tau, w, { transB: true }) })
  return apply(ScaledRotation, [u, g, tau, w])
}
