import {
  add,
  neg,
  reduceMean,
  reduceSumSquare,
  scalar,
  scale,
  softplus,
  split,
  sub,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { halves } from '../transforms/coupling.js'
import { constantValues, type Fold, type Mapped, type MapSize } from '../transforms/transform.js'
import { allParameters, wholeTransform, type ScaleFlow } from './flow.js'

/** −logsigmoid of the likelihood per dimension (the code), or the plain negative log-likelihood (equation 7). */
export type Loss = 'logsigmoid' | 'nll'

/**
 * Log-likelihood of every row under a standard Gaussian of its latent vector (equation 8):
 * −(D/2)·ln 2π − ½‖u‖² + ln|det J|.
 * @param latent what a flow's `forward` gave
 * @returns [rows], in nats
 */
export function latentLogLikelihood({ value, logDeterminant }: Mapped): Value {
  const depth = value.shape[1] as number
  const [a, b] = split(value, halves(depth), 1) as readonly [Value, Value]
  const norm = scale(add(reduceSumSquare(a, [1]), reduceSumSquare(b, [1])), 0.5)
  const constant = scalar((-depth / 2) * Math.log(2 * Math.PI), value.dtype)
  return add(logDeterminant ? sub(logDeterminant, norm) : neg(norm), constant)
}

/** l = log p / D, the likelihood per dimension that losses and scores use. */
export const perDimension = (logp: Value, depth: number): Value => scale(logp, 1 / depth)

/** Mean loss over the rows of a mini-batch; a scalar. @param l likelihoods per dimension [rows] */
export const lossOf = (l: Value, loss: Loss): Value =>
  reduceMean(loss === 'logsigmoid' ? softplus(neg(l)) : neg(l), [0])

/** What a trained flow needs in a detector file: everything folded, and without the last rotation. */
const folding = (flow: ScaleFlow) => wholeTransform(flow, { lastMixing: false }).fold as Fold

/**
 * Log-likelihood of rows that run through the positions of a map, by the folded flow: as an inference graph whose constants
 * have names that begin with `name` and a dot.
 * @param rows [N·height·width, D]
 * @returns [N·height·width], in nats
 */
export function foldedLogLikelihood(
  rows: Value,
  flow: ScaleFlow,
  map: MapSize,
  name: string,
): Value {
  const { transform, parameters } = folding(flow)
  const values = constantValues(parameters(allParameters(flow), map), `${name}.`)
  return latentLogLikelihood(transform(map).forward(rows, values, {}))
}
