import type { Random } from '@cflow/base'
import type { ParameterShapes } from '@cflow/core'
import { add, concat, exp, gather, int64s, mul, reduceSum, scale, split, tanh } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { initialParameters, stack, stackShapes } from '../linear.js'

/** The bound of the log-scales (Rudolph et al. 2021). */
export const differnetClamp = 3

/** DifferNet's flow: coupling blocks that transform both halves (Glow), a fixed random permutation before each. */
export interface DiffernetFlow {
  /** D: length of the pooled features. */
  readonly depth: number
  readonly couplingLayers: number
  /** Hidden layers of a subnet, and the width of each. */
  readonly hiddenLayers: number
  readonly hiddenUnits: number
  /** The permutations: source column of each column, block by block. */
  readonly orders: readonly (readonly number[])[]
}

export function differnetFlow(
  options: Omit<DiffernetFlow, 'orders'>,
  random: Random,
): DiffernetFlow {
  const orders = Array.from({ length: options.couplingLayers }, () =>
    Array.from(random.permutation(options.depth)),
  )
  return { ...options, orders }
}

const halvesOf = (depth: number) => [Math.ceil(depth / 2), Math.floor(depth / 2)] as const

/** Subnet `b` of block k: from the second half to scale and shift of the first; `a` the other way round. */
export function differnetShapes(flow: DiffernetFlow): ParameterShapes {
  const [d1, d2] = halvesOf(flow.depth)
  const hidden = Array.from({ length: flow.hiddenLayers }, () => flow.hiddenUnits)
  return flow.orders.flatMap((_, k) => [
    ...stackShapes(`block${k}.b`, [d2, ...hidden, 2 * d1]),
    ...stackShapes(`block${k}.a`, [d1, ...hidden, 2 * d2]),
  ])
}

/** Fresh parameters: the last layer of every subnet zero, so that the flow starts as a permutation. */
export function initialDiffernet(flow: DiffernetFlow, random: Random): Float32Array {
  const last = new RegExp(`\\.${flow.hiddenLayers}\\.(weight|bias)$`)
  return initialParameters(differnetShapes(flow), random, (name) => last.test(name))
}

/**
 * @param x [R, D]
 * @returns latent vectors [R, D] and ln|det J| [R]
 */
export function differnetForward(
  x: Value,
  flow: DiffernetFlow,
  values: ReadonlyMap<string, Value>,
): { readonly latent: Value; readonly logDeterminant: Value } {
  const sizes = halvesOf(flow.depth)
  let logDeterminant: Value | undefined
  /** `moved`⊙exp(σ) + t, where σ and t come from `from`. */
  const couple = (moved: Value, from: Value, name: string): Value => {
    const width = moved.shape[1] as number
    const out = stack(from, name, flow.hiddenLayers + 1, values)
    const [a, shift] = split(out, [width, width], 1) as readonly [Value, Value]
    const sigma = scale(tanh(scale(a, 1 / differnetClamp)), differnetClamp)
    const term = reduceSum(sigma, [1])
    logDeterminant = logDeterminant ? add(logDeterminant, term) : term
    return add(mul(moved, exp(sigma)), shift)
  }
  const latent = flow.orders.reduce((u, order, k) => {
    const [first, second] = split(gather(u, int64s(order), 1), sizes, 1) as readonly [Value, Value]
    const y1 = couple(first, second, `block${k}.b`)
    const y2 = couple(second, y1, `block${k}.a`)
    return concat([y1, y2], 1)
  }, x)
  return { latent, logDeterminant: logDeterminant as Value }
}
