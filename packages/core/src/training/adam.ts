import { add, div, mul, scalar, scale, sqrt, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'

export const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const

/**
 * One Adam step (Kingma & Ba 2015) on a flat vector, as PyTorch computes it:
 * m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − rate·m/(√v·correction + ε),
 * with rate = lr/(1−β₁ᵗ) and correction = 1/√(1−β₂ᵗ) fed as scalars (see `adamFeeds`).
 */
export function adamStep(
  theta: Value,
  m: Value,
  v: Value,
  gradient: Value,
  rate: Value,
  correction: Value,
): { readonly theta: Value; readonly m: Value; readonly v: Value } {
  const { beta1, beta2, epsilon } = adamDefaults
  const mNext = add(scale(m, beta1), scale(gradient, 1 - beta1))
  const vNext = add(scale(v, beta2), mul(gradient, scale(gradient, 1 - beta2)))
  const denominator = add(mul(sqrt(vNext), correction), scalar(epsilon, theta.dtype))
  return { theta: sub(theta, div(mul(mNext, rate), denominator)), m: mNext, v: vNext }
}

/** The scalars of step t (1 for the first) at a learning rate. */
export function adamFeeds(learningRate: number, t: number): { rate: number; correction: number } {
  const { beta1, beta2 } = adamDefaults
  return {
    rate: learningRate / (1 - beta1 ** t),
    correction: 1 / Math.sqrt(1 - beta2 ** t),
  }
}
