import { floats, type Tensor } from '@cflow/base'
import { add, div, log, mul, neg, reduceSum, sub, type Value } from '@cflow/graph'
import { logDeterminantName, numbersOf, type Parameters, type Transform } from './transform.js'

/** A Gaussian with a diagonal covariance: mean and deviation of every dimension, [D] each. */
export interface Spread {
  readonly mean: Float32Array
  readonly deviation: Float32Array
}

/**
 * (u − m)/s dimension by dimension: a flow that ends with it has the base distribution N(m, diag s²). ln|det J| = −Σ ln s.
 * Its tensors, `mean` and `deviation` [1, D], are estimated (`spreadOf`) and not trained.
 */
export function standardisation(depth: number): Transform {
  const logDeterminant = (deviation: Value): Value => neg(reduceSum(log(deviation), [1]))
  return {
    depth,
    shapes: [],
    initial: () => new Map(),
    forward: (u, values) => ({
      value: div(sub(u, values('mean')), values('deviation')),
      logDeterminant: logDeterminant(values('deviation')),
    }),
    inverse: (y, values) => ({
      value: add(mul(y, values('deviation')), values('mean')),
      logDeterminant: neg(logDeterminant(values('deviation'))),
    }),
    fold: {
      transform: () => folded(depth),
      parameters(own) {
        const [mean, deviation] = [numbersOf(own, 'mean'), numbersOf(own, 'deviation')]
        const inverse = Float64Array.from(deviation, (s) => 1 / s)
        const offset = inverse.map((f, i) => -f * (mean[i] as number))
        const sum = inverse.reduce((a, f) => a + Math.log(f), 0)
        return new Map<string, Tensor>([
          [logDeterminantName, floats('float64', [], [sum])],
          ['factor', floats('float32', [1, depth], inverse)],
          ['offset', floats('float32', [1, depth], offset)],
        ])
      },
    },
  }
}

const folded = (depth: number): Transform => ({
  depth,
  shapes: [],
  initial: () => new Map(),
  forward: (u, values) => ({ value: add(mul(u, values('factor')), values('offset')) }),
  inverse: (y, values) => ({ value: div(sub(y, values('offset')), values('factor')) }),
})

export const standardisationParameters = ({ mean, deviation }: Spread): Parameters =>
  new Map([
    ['mean', floats('float32', [1, mean.length], mean)],
    ['deviation', floats('float32', [1, deviation.length], deviation)],
  ])

/**
 * The Gaussian of latent vectors, as AltUB (Kim et al., arXiv 2210.14913) refits a flow's base distribution.
 * @param vectors rows [n, D] one after the other, in any number of parts
 * @param prior rows of a standard Gaussian that count beside them, so that few vectors say little; at least 1
 */
export function spreadOf(vectors: Iterable<Float32Array>, depth: number, prior: number): Spread {
  const sums = new Float64Array(depth)
  const squares = new Float64Array(depth)
  let rows = 0
  for (const part of vectors) {
    for (let i = 0; i < part.length; i++) {
      const v = part[i] as number
      sums[i % depth]! += v
      squares[i % depth]! += v * v
    }
    rows += part.length / depth
  }
  const all = rows + prior
  const mean = Float32Array.from(sums, (s) => s / all)
  const deviation = Float32Array.from(squares, (q, d) =>
    Math.sqrt(Math.max((q + prior) / all - (mean[d] as number) ** 2, 1e-12)),
  )
  return { mean, deviation }
}
