import { add, neg, reduceMean, reduceSumSquare, scalar, scale, softplus, sub } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { FlowResult } from './flow.js'

/** −logsigmoid of the likelihood per dimension (the code), or the plain negative log-likelihood (equation 7). */
export type Loss = 'logsigmoid' | 'nll'

/**
 * Log-likelihood of every row (equation 8): −(D/2)·ln 2π − ½‖u‖² + ln|det J|.
 * @returns [rows], in nats
 */
export function logLikelihood(result: FlowResult, depth: number): Value {
  const [a, b] = result.halves
  const norm = add(reduceSumSquare(a, [1]), reduceSumSquare(b, [1]))
  const constant = scalar((-depth / 2) * Math.log(2 * Math.PI), a.dtype)
  return add(sub(result.logDeterminant, scale(norm, 0.5)), constant)
}

/** l = log p / D, the likelihood per dimension that losses and scores use. */
export const perDimension = (logp: Value, depth: number): Value => scale(logp, 1 / depth)

/** Mean loss over the rows of a mini-batch; a scalar. @param l likelihoods per dimension [rows] */
export const lossOf = (l: Value, loss: Loss): Value =>
  reduceMean(loss === 'logsigmoid' ? softplus(neg(l)) : neg(l), [0])
