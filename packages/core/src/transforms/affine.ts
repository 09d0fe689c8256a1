import { floats, tensor, type Random, type Tensor } from '@cflow/base'
import {
  add,
  apply,
  constantOf,
  div,
  gather,
  gemm,
  int64s,
  log,
  mul,
  neg,
  reduceSum,
  reduceSumSquare,
  reshape,
  scale,
  softplus,
  sub,
  transpose,
} from '@cflow/graph'
import type { Operator, Value } from '@cflow/graph'
import { haarRotation } from '../linalg.js'
import { filled, logDeterminantName, numbersOf, parameter } from './transform.js'
import type { FloatType, Mapped, Transform } from './transform.js'

/** γ₀: the global scale g(γ₀) is 1. */
const initialGlobalScale = 9.986478501101022

/** What follows the global affine map: a rotation (`soft`), a permutation (`hard`), or nothing. */
export type Mixing = 'soft' | 'hard' | 'none'

/** The name of W, whose y = v·Wᵀ mixes the dimensions. */
const mixingName = 'w_perm'

/**
 * Global affine map and mixing of the dimensions, y = W(g⊙u + τ) with g = 0.2·ln(1 + e^{γ/2}) (the end of FrEIA's
 * AllInOneBlock): W a fixed rotation drawn from the Haar measure, a fixed permutation, or the identity.
 * ln|det J| = Σ ln g. Parameters: `global_scale` γ and `global_offset` τ [1, D]; fixed: `w_perm` W [D, D].
 */
export function globalAffine(depth: number, mixing: Mixing): Transform {
  const shape = [1, depth]
  const globalScale = (gamma: Value): Value =>
    // linear where γ/2 > 20, as in PyTorch: ln(1 + e^x) and x agree to rounding beyond 20, so one expression serves both
    scale(softplus(scale(gamma, 0.5)), 0.2)
  return {
    depth,
    shapes: [
      ['global_scale', shape],
      ['global_offset', shape],
    ],
    initial: (_, dtype) =>
      new Map([
        ['global_scale', filled(dtype, shape, () => initialGlobalScale)],
        ['global_offset', filled(dtype, shape, () => 0)],
      ]),
    fixed: (random, dtype) =>
      new Map(mixing === 'none' ? [] : [[mixingName, freshMixing(mixing, depth, random, dtype)]]),
    forward(u, values) {
      const g = globalScale(values('global_scale'))
      const tau = values('global_offset')
      const mixed = (): Value => {
        if (mixing === 'soft') return scaledRotation(u, g, tau, values(mixingName))
        const moved = add(mul(u, g), tau)
        return mixing === 'none' ? moved : permuted(moved, orderOf(values(mixingName)))
      }
      return { logDeterminant: reduceSum(log(g), [1]), value: mixed() }
    },
    inverse(y, values) {
      const g = globalScale(values('global_scale'))
      let v = y
      if (mixing === 'soft') v = gemm(y, values(mixingName))
      if (mixing === 'hard') v = permuted(y, inverseOf(orderOf(values(mixingName))))
      const value = div(sub(v, values('global_offset')), g)
      return { value, logDeterminant: neg(reduceSum(log(g), [1])) }
    },
    fold: {
      transform: () => foldedAffine(depth, mixing),
      parameters(own) {
        const softplusOf = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
        const g = Float64Array.from(numbersOf(own, 'global_scale'), (v) => 0.2 * softplusOf(v / 2))
        const tau = numbersOf(own, 'global_offset')
        const logDeterminant = g.reduce((sum, v) => sum + Math.log(v), 0)
        const folded = new Map<string, Tensor>([
          [logDeterminantName, floats('float64', [], [logDeterminant])],
        ])
        if (mixing === 'soft') {
          const { matrix, offset } = rotated(g, tau, numbersOf(own, mixingName))
          folded.set('rotation', floats('float32', [depth, depth], matrix))
          return folded.set('offset', floats('float32', [depth], offset))
        }
        folded.set('scale', floats('float32', [depth], g))
        folded.set('offset', floats('float32', [depth], tau))
        if (mixing === 'none') return folded
        const order = permutationOf(parameter(own, mixingName))
        return folded.set('order', tensor('int64', [depth], BigInt64Array.from(order.map(BigInt))))
      },
    },
  }
}

function freshMixing(
  mixing: 'soft' | 'hard',
  d: number,
  random: Random,
  dtype: FloatType,
): Tensor<FloatType> {
  if (mixing === 'soft') {
    const rotation = haarRotation(d, random)
    return filled(dtype, [d, d], (i) => rotation[i] as number)
  }
  const order = random.permutation(d)
  return filled(dtype, [d, d], (i) => (order[Math.floor(i / d)] === i % d ? 1 : 0))
}

/** The same with g and τ folded: into the rotation (u·M + offset, M = diag(g)·Wᵀ), or as they are. */
const foldedAffine = (depth: number, mixing: Mixing): Transform => ({
  depth,
  shapes: [],
  initial: () => new Map(),
  forward(u, values): Mapped {
    if (mixing === 'soft') return { value: gemm(u, values('rotation'), { c: values('offset') }) }
    const value = add(mul(u, values('scale')), values('offset'))
    return { value: mixing === 'none' ? value : gather(value, values('order'), 1) }
  },
  inverse(y, values): Mapped {
    if (mixing === 'soft') {
      // M·Mᵀ = diag(g²)
      const m = values('rotation')
      const square = reshape(reduceSumSquare(m, [1]), [1, depth])
      return { value: div(gemm(sub(y, values('offset')), m, { transB: true }), square) }
    }
    const v = mixing === 'none' ? y : permuted(y, inverseOf(orderOf(values('order'))))
    return { value: div(sub(v, values('offset')), values('scale')) }
  },
})

/** diag(g)·Wᵀ and W·τ. */
function rotated(g: Float64Array, tau: ArrayLike<number>, w: ArrayLike<number>) {
  const d = g.length
  const matrix = new Float64Array(d * d)
  const offset = new Float64Array(d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) {
      const v = w[i * d + j] as number
      matrix[j * d + i] = v * (g[j] as number)
      offset[i]! += v * (tau[j] as number)
    }
  return { matrix, offset }
}

/** A fixed permutation of the dimensions. @param order source column of each column */
export function permutation(order: readonly number[]): Transform {
  return {
    depth: order.length,
    shapes: [],
    initial: () => new Map(),
    forward: (x) => ({ value: permuted(x, order) }),
    inverse: (y) => ({ value: permuted(y, inverseOf(order)) }),
  }
}

const permuted = (x: Value, order: readonly number[]): Value => gather(x, int64s(order), 1)
const inverseOf = (order: readonly number[]): number[] => {
  const inverse = new Array<number>(order.length)
  order.forEach((from, to) => (inverse[from] = to))
  return inverse
}
const orderOf = (value: Value): number[] => permutationOf(constantOf(value, 'a permutation'))

/** Source column of each column of y = v·Wᵀ: of a permutation matrix W, or columns as newer FrEIA stores them. */
export function permutationOf({ shape, data }: Tensor): number[] {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number)
  const [d, columns] = shape as readonly number[]
  if (columns === undefined) return numbers
  return Array.from({ length: d as number }, (_, row) =>
    numbers.slice(row * columns, (row + 1) * columns).indexOf(1),
  )
}

/** Whether it holds each of 0 … n−1 once. */
export const isPermutation = (order: readonly number[]): boolean =>
  new Set(order).size === order.length &&
  order.every((v) => Number.isInteger(v) && v >= 0 && v < order.length)

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
function scaledRotation(u: Value, g: Value, tau: Value, w: Value): Value {
  const [rows] = u.shape
  // few rows are scaled sooner than the matrix, which is then the same in every run and packed once
  if (typeof rows === 'number' && 2 * rows <= (w.shape[0] as number))
    return gemm(mul(u, g), transpose(w, [1, 0]), { c: gemm(tau, w, { transB: true }) })
  return apply(ScaledRotation, [u, g, tau, w])
}
