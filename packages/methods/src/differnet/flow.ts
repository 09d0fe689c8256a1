import type { Random } from '@cflow/base'
import { coupling, compose, permutation, type Transform, type Values } from '@cflow/core'
import { reduceMean, reduceSumSquare, scale, sub, type Value } from '@cflow/graph'
import { standardised, type Standardisation } from '../training/moments.js'

/** The bound of the log-scales (Rudolph et al. 2021). */
const differnetClamp = 3

/**
 * DifferNet's flow: coupling blocks that transform both halves (Glow), a fixed random permutation before each. It starts
 * as these permutations.
 */
export function differnetFlow(
  options: {
    /** D: length of the pooled features. */
    readonly depth: number
    readonly couplingLayers: number
    /** Hidden layers of a subnet, and the width of each. */
    readonly hiddenLayers: number
    readonly hiddenUnits: number
  },
  random: Random,
): Transform {
  const { depth, couplingLayers, hiddenLayers, hiddenUnits } = options
  const layer = (half: 'first' | 'second') =>
    coupling({
      depth,
      half,
      hidden: new Array<number>(hiddenLayers).fill(hiddenUnits),
      condition: 0,
      factor: 1,
      clamp: { form: 'freia', bound: differnetClamp },
      start: 'identity',
    })
  const blocks = Array.from({ length: couplingLayers }, (_, k) => [
    { name: '', transform: permutation(Array.from(random.permutation(depth))) },
    { name: `block${k}.b`, transform: layer('first') },
    { name: `block${k}.a`, transform: layer('second') },
  ])
  return compose(blocks.flat())
}

/** −log p of every row up to a constant, ½‖z‖² − ln|det J|, and the latent vectors. @param rows pooled features [R, D] */
export function negativeLogLikelihood(
  rows: Value,
  flow: Transform,
  scaling: Standardisation,
  values: Values,
): { readonly latent: Value; readonly loss: Value } {
  const { value: latent, logDeterminant } = flow.forward(standardised(rows, scaling), values, {})
  const half = scale(reduceSumSquare(latent, [1]), 0.5)
  return { latent, loss: sub(half, logDeterminant as Value) }
}

/** Mean −log p per dimension of a mini-batch, up to a constant. */
export function differnetLoss(
  rows: Value,
  flow: Transform,
  scaling: Standardisation,
  values: Values,
): Value {
  const { loss } = negativeLogLikelihood(rows, flow, scaling, values)
  return scale(reduceMean(loss, [0]), 1 / flow.depth)
}
