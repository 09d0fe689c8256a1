import { add, div, mul, scale, sqrt, sub, type Value } from '@cflow/graph'

const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const

/**
 * One Adam step (Kingma & Ba 2015). m and v are the plain sums m = Σ β₁ᵗ⁻ⁱgᵢ and v = Σ β₂ᵗ⁻ⁱgᵢ², without the factors
 * 1 − β of the usual moving averages: they go into the two scalars instead of a pass over memory each.
 * m ← β₁m + g, v ← β₂v + g², θ ← θ − rate·m/(√v + epsilon), with the scalars of `adamFeeds`.
 */
export function adamStep(
  theta: Value,
  m: Value,
  v: Value,
  gradient: Value,
  rate: Value,
  epsilon: Value,
): { readonly theta: Value; readonly m: Value; readonly v: Value } {
  const { beta1, beta2 } = adamDefaults
  const mNext = add(scale(m, beta1), gradient)
  const vNext = add(scale(v, beta2), mul(gradient, gradient))
  const quotient = div(mul(mNext, rate), add(sqrt(vNext), epsilon))
  return { theta: sub(theta, quotient), m: mNext, v: vNext }
}

/** The scalars of step t (1 for the first) at a learning rate, with both of PyTorch's bias corrections. */
export function adamFeeds(learningRate: number, t: number): { rate: number; epsilon: number } {
  const { beta1, beta2, epsilon } = adamDefaults
  const root = Math.sqrt((1 - beta2 ** t) / (1 - beta2))
  return {
    rate: (learningRate * root * (1 - beta1)) / (1 - beta1 ** t),
    epsilon: epsilon * root,
  }
}
