import {
  add,
  concat,
  constant,
  div,
  exp,
  gather,
  gemm,
  int64s,
  log,
  mul,
  neg,
  reduceSum,
  split,
  sub,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Tensor } from '@cflow/base'
import { blockShape, halves } from './config.js'
import type { FlowConfig } from './config.js'
import { globalScale, scaleAndShift } from './coupling.js'
import type { BlockValues, Condition } from './coupling.js'
import { mixingName } from './parameters.js'
import type { FloatType, FlowParameters } from './parameters.js'
import { scaledRotation } from './scaled-rotation.js'

/** What a bijection gives: the two halves of its result and ln|det J| of every row. */
export interface FlowResult {
  /** First d₁ and last d₂ columns, [rows, d₁] and [rows, d₂]. */
  readonly halves: readonly [Value, Value]
  /** [rows], or [1] where it is the same for every row */
  readonly logDeterminant: Value
}

/** The flow's parameters as graph values: constants, or whatever `trainable` gives for a name. */
export function flowValues(
  config: FlowConfig,
  parameters: FlowParameters,
  trainable?: ReadonlyMap<string, Value>,
): BlockValues[] {
  return Array.from({ length: config.couplingLayers }, (_, k) => {
    const prefix = `module_list.${k}`
    const value = (name: string) =>
      trainable?.get(`${prefix}.${name}`) ??
      constant(parameters.get(`${prefix}.${name}`) as Tensor<FloatType>, `${prefix}.${name}`)
    const subnet = {
      weight0: value('subnet.0.weight'),
      bias0: value('subnet.0.bias'),
      weight2: value('subnet.2.weight'),
      bias2: value('subnet.2.bias'),
    }
    if (config.permutation === 'alternate') return subnet
    const affine = { globalScale: value('global_scale'), globalOffset: value('global_offset') }
    if (config.permutation === 'soft') return { ...subnet, ...affine, rotation: value('w_perm') }
    const w = parameters.get(mixingName(k)) as Tensor<FloatType>
    return { ...subnet, ...affine, order: permutationOf(w) }
  })
}

/** Source column of each column of y = v·Wᵀ for a permutation matrix W (newer FrEIA stores the columns themselves). */
export function permutationOf(w: Tensor<FloatType>): number[] {
  if (w.shape.length === 1) return Array.from(w.data)
  const d = w.shape[0] as number
  return Array.from({ length: d }, (_, row) => w.data.subarray(row * d, (row + 1) * d).indexOf(1))
}

export interface FlowForwardOptions {
  /** `false` leaves the last rotation or permutation out: it changes neither ‖u‖ nor ln|det J|, so no likelihood. */
  readonly lastMixing?: boolean
}

/**
 * Feature vectors to latent vectors (section 3.3, u = g⁻¹(z)): the direction used for likelihoods.
 * @param x halves of the rows, [rows, d₁] and [rows, d₂]
 */
export function flowForward(
  config: FlowConfig,
  blocks: readonly BlockValues[],
  x: readonly [Value, Value],
  condition?: Condition,
  options: FlowForwardOptions = {},
): FlowResult {
  let [first, second] = x
  let logDeterminant: Value | undefined
  const account = (term: Value) => {
    logDeterminant = logDeterminant ? add(logDeterminant, term) : term
  }
  blocks.forEach((block, k) => {
    const shape = blockShape(config, k)
    const [passive, active] = shape.second ? [first, second] : [second, first]
    const [sigma, shift] = scaleAndShift(passive, block, shape, config, condition)
    const moved = add(mul(active, exp(sigma)), shift)
    ;[first, second] = shape.second ? [first, moved] : [moved, second]
    account(reduceSum(sigma, [1]))
    if (block.globalScale && block.globalOffset) {
      const g = globalScale(block.globalScale)
      account(reduceSum(log(g), [1]))
      ;[first, second] =
        options.lastMixing === false && k === blocks.length - 1
          ? scaled([first, second], g, block.globalOffset, config.depth)
          : mixed(concat([first, second], 1), g, block.globalOffset, block, config)
    }
  })
  return { halves: [first, second], logDeterminant: logDeterminant as Value }
}

/** g⊙u + τ, half by half. */
function scaled(
  [first, second]: readonly [Value, Value],
  g: Value,
  tau: Value,
  depth: number,
): readonly [Value, Value] {
  const [g1, g2] = split(g, halves(depth), 1) as readonly [Value, Value]
  const [t1, t2] = split(tau, halves(depth), 1) as readonly [Value, Value]
  return [add(mul(first, g1), t1), add(mul(second, g2), t2)]
}

/** y = W(g⊙u + τ), as two halves. */
function mixed(
  u: Value,
  g: Value,
  tau: Value,
  block: BlockValues,
  config: FlowConfig,
): readonly [Value, Value] {
  const sizes = halves(config.depth)
  if (block.order) {
    const y = gather(add(mul(u, g), tau), int64s(block.order), 1)
    return split(y, sizes, 1) as readonly [Value, Value]
  }
  const y = scaledRotation(u, g, tau, block.rotation as Value)
  return split(y, sizes, 1) as readonly [Value, Value]
}

/** Latent vectors to feature vectors, z = g(u): the inverse of `flowForward`. */
export function flowInverse(
  config: FlowConfig,
  blocks: readonly BlockValues[],
  z: readonly [Value, Value],
  condition?: Condition,
): FlowResult {
  let [first, second] = z
  let logDeterminant: Value | undefined
  const account = (term: Value) => {
    logDeterminant = logDeterminant ? sub(logDeterminant, term) : neg(term)
  }
  for (let k = blocks.length - 1; k >= 0; k--) {
    const block = blocks[k] as BlockValues
    const shape = blockShape(config, k)
    if (block.globalScale && block.globalOffset) {
      const g = globalScale(block.globalScale)
      account(reduceSum(log(g), [1]))
      const u = div(sub(unmixed(concat([first, second], 1), block), block.globalOffset), g)
      ;[first, second] = split(u, halves(config.depth), 1) as readonly [Value, Value]
    }
    const [passive, moved] = shape.second ? [first, second] : [second, first]
    const [sigma, shift] = scaleAndShift(passive, block, shape, config, condition)
    const active = mul(sub(moved, shift), exp(neg(sigma)))
    ;[first, second] = shape.second ? [first, active] : [active, second]
    account(reduceSum(sigma, [1]))
  }
  return { halves: [first, second], logDeterminant: logDeterminant as Value }
}

function unmixed(y: Value, block: BlockValues): Value {
  if (!block.order) return gemm(y, block.rotation as Value)
  const inverse = block.order.map((_, i) => (block.order as readonly number[]).indexOf(i))
  return gather(y, int64s(inverse), 1)
}

/** Columns [rows, D] as halves. */
export const splitHalves = (x: Value, depth: number): readonly [Value, Value] =>
  split(x, halves(depth), 1) as readonly [Value, Value]
