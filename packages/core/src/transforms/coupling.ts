import { CflowError, floats, type Tensor } from '@cflow/base'
import {
  add,
  concat,
  exp,
  gemm,
  mul,
  neg,
  reduceSum,
  relu,
  reshape,
  scale,
  split,
  sub,
  tanh,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import * as z from 'zod'
import { axisEncoding } from '../positional.js'
import { addByPosition } from './condition.js'
import { filled, numbersOf } from './transform.js'
import type { MapSize, ParameterShapes, Parameters, Rows, Transform, Values } from './transform.js'

/**
 * What a coupling layer does to the half that it transforms.
 * - `affine`: x₂⊙exp(σ) + t (Dinh et al. 2017, Real NVP; the paper's)
 * - `additive`: x₂ + t (Dinh et al. 2014, NICE): no exponential, half the outputs of a subnet, and no change of volume
 */
export const couplingFormSchema = z.enum(['affine', 'additive'])
export type CouplingForm = z.infer<typeof couplingFormSchema>

export interface CouplingOptions {
  /** D */
  readonly depth: number
  /** `affine` when absent. */
  readonly form?: CouplingForm | undefined
  /** The half that is transformed; the other one passes through and feeds the subnet. */
  readonly half: 'first' | 'second'
  /** Widths of the subnet's hidden layers, one or more. */
  readonly hidden: readonly number[]
  /** C: length of the condition vectors, 0 for none. */
  readonly condition: number
  /** What the subnet's result is multiplied by. */
  readonly factor: number
  /** σ = bound·tanh(a) (`paper`, as in the released checkpoints) or bound·tanh(a/bound) (`freia`, newer FrEIA). */
  readonly clamp: { readonly form: 'paper' | 'freia'; readonly bound: number }
  /** `identity`: the last layer starts as zero, so that the coupling starts as the identity. */
  readonly start: 'random' | 'identity'
}

/** The two halves of a feature vector: d₁ = ⌈D/2⌉ and d₂ = ⌊D/2⌋. */
export const halves = (depth: number): readonly [number, number] => [
  Math.ceil(depth / 2),
  Math.floor(depth / 2),
]

/** Shift t of the active half, and its log-scale σ where there is one. */
type Subnet = (
  passive: Value,
  values: Values,
  rows: Rows,
) => { readonly shift: Value; readonly sigma?: Value }

/** A linear layer of a subnet, named as in PyTorch's Sequential with ReLU between the layers. */
interface Layer {
  readonly weight: string
  readonly bias: string
  readonly inputs: number
  readonly outputs: number
}

function geometry({ depth, form, half, hidden, condition }: CouplingOptions) {
  const [d1, d2] = halves(depth)
  const [passive, active] = half === 'second' ? [d1, d2] : [d2, d1]
  const additive = form === 'additive'
  const widths = [passive + condition, ...hidden, additive ? active : 2 * active]
  const layers = widths.slice(1).map((outputs, i): Layer => {
    const name = `subnet.${2 * i}`
    return {
      weight: `${name}.weight`,
      bias: `${name}.bias`,
      inputs: widths[i] as number,
      outputs,
    }
  })
  return { passive, active, additive, layers, last: layers.length - 1 }
}

/**
 * Coupling layer: one half passes through, the other one becomes x₂⊙exp(σ) + t, where σ and t are a small network's answer
 * to the half that passes through and, with C > 0, to the condition. ln|det J| = Σσ; without σ (`additive`) it is 0.
 * Parameters: `subnet.{2i}.weight` [out, in] and `subnet.{2i}.bias` [out], uniform in ±1/√in as PyTorch draws them.
 */
export function coupling(options: CouplingOptions): Transform {
  const { condition: c, factor, clamp, start } = options
  const inner = (a: Value): Value => (clamp.form === 'paper' ? a : scale(a, 1 / clamp.bound))
  const { passive: width, layers, last } = geometry(options)
  const alpha = factor === 1 ? {} : { alpha: factor, beta: factor }

  const first = (passive: Value, values: Values, { condition }: Rows): Value => {
    const { weight, bias } = layers[0] as Layer
    const [whole, b] = [values(weight), values(bias)]
    if (c === 0) return gemm(passive, whole, { transB: true, c: b })
    if (!condition)
      throw new CflowError('SHAPE', 'the flow is conditional, and no condition was given', {
        subject: 'condition',
        hint: `give every row its condition of ${c} numbers, or its position on the map`,
      })
    const [own, conditionWeight] = split(whole, [width, c], 1) as readonly [Value, Value]
    return condition({ passive, whole, weight: own, conditionWeight, bias: b })
  }
  const subnet: Subnet = (passive, values, rows) => {
    const out = layers.slice(1).reduce(
      (x, { weight, bias }, i) =>
        gemm(relu(x), values(weight), {
          transB: true,
          c: values(bias),
          ...(i + 1 === last && alpha),
        }),
      first(passive, values, rows),
    )
    return answer(options, out, inner)
  }
  return {
    ...coupled(options, subnet),
    shapes: layers.flatMap(({ weight, bias, inputs, outputs }): ParameterShapes => [
      [weight, [outputs, inputs]],
      [bias, [outputs]],
    ]),
    initial(random, dtype) {
      const parameters = new Map<string, Tensor>()
      layers.forEach(({ weight, bias, inputs, outputs }, i) => {
        const bound = 1 / Math.sqrt(inputs)
        const zero = i === last && start === 'identity'
        const draw = () => (zero ? 0 : random.uniform(-bound, bound))
        parameters.set(weight, filled(dtype, [outputs, inputs], draw))
        parameters.set(bias, filled(dtype, [outputs], draw))
      })
      return parameters
    },
    fold: {
      transform: () => foldedCoupling(options),
      parameters: (own, map) => foldedParameters(options, own, map),
    },
  }
}

/** What the last layer says, [rows, 2·active] or [rows, active]. @param inner what comes before the clamp's tanh */
function answer(options: CouplingOptions, out: Value, inner = (a: Value): Value => a) {
  const { active, additive } = geometry(options)
  if (additive) return { shift: out }
  const [a, shift] = split(out, [active, active], 1) as readonly [Value, Value]
  return { shift, sigma: scale(tanh(inner(a)), options.clamp.bound) }
}

/** Both directions of a coupling whose subnet is known. */
const coupled = (
  { depth, half }: CouplingOptions,
  subnet: Subnet,
): Pick<Transform, 'depth' | 'forward' | 'inverse'> => {
  const parts = (x: Value) => {
    const [a, b] = split(x, halves(depth), 1) as readonly [Value, Value]
    return half === 'second' ? [a, b] : ([b, a] as const)
  }
  const whole = (passive: Value, active: Value) =>
    concat(half === 'second' ? [passive, active] : [active, passive], 1)
  return {
    depth,
    forward(x, values, rows) {
      const [passive, active] = parts(x) as readonly [Value, Value]
      const { sigma, shift } = subnet(passive, values, rows)
      const moved = add(sigma ? mul(active, exp(sigma)) : active, shift)
      return {
        value: whole(passive, moved),
        ...(sigma && { logDeterminant: reduceSum(sigma, [1]) }),
      }
    },
    inverse(y, values, rows) {
      const [passive, moved] = parts(y) as readonly [Value, Value]
      const { sigma, shift } = subnet(passive, values, rows)
      const active = sub(moved, shift)
      if (!sigma) return { value: whole(passive, active) }
      return {
        value: whole(passive, mul(active, exp(neg(sigma)))),
        logDeterminant: neg(reduceSum(sigma, [1])),
      }
    },
  }
}

/**
 * The coupling with everything folded that is exact: weights transposed, `factor` and the newer clamp's 1/bound in the last
 * layer, and the condition columns replaced by one table per axis, since W₁c is separable (`columns` [1, width, hidden],
 * `rows` [height, 1, hidden], the bias in the latter).
 */
function foldedCoupling(options: CouplingOptions): Transform {
  const { condition } = options
  const { layers } = geometry(options)
  /** Of every position, [height·width, hidden]. */
  const table = (values: Values): Value => {
    const [columns, rows] = [values('columns'), values('rows')]
    const positions = (rows.shape[0] as number) * (columns.shape[1] as number)
    return reshape(add(columns, rows), [positions, (layers[0] as Layer).outputs])
  }
  const subnet: Subnet = (passive, values, rows) => {
    const before =
      condition > 0
        ? addByPosition(gemm(passive, values('weight0')), table(values), rows)
        : gemm(passive, values('weight0'), { c: values('bias0') })
    const out = layers.slice(1).reduce((x, _, i) => {
      const [weight, bias] = [`weight${2 * i + 2}`, `bias${2 * i + 2}`]
      return gemm(relu(x), values(weight), { c: values(bias) })
    }, before)
    return answer(options, out)
  }
  return { ...coupled(options, subnet), shapes: [], initial: () => new Map() }
}

function foldedParameters(
  options: CouplingOptions,
  own: Parameters,
  { height, width }: MapSize,
): Parameters {
  const { condition: c, clamp, factor } = options
  const { passive, active, additive, layers, last } = geometry(options)
  const folded = new Map<string, Tensor>()
  const put = (name: string, shape: readonly number[], data: ArrayLike<number>) =>
    folded.set(name, floats('float32', shape, data))
  layers.forEach((layer, i) => {
    const { inputs, outputs } = layer
    const [weight, bias] = [numbersOf(own, layer.weight), numbersOf(own, layer.bias)]
    const one = i < last ? 1 : factor
    const by = (row: number) =>
      !additive && i === last && row < active && clamp.form === 'freia' ? one / clamp.bound : one
    /** Columns `from` … `to` of the weight, transposed, each row times its factor: [to − from, outputs]. */
    const columns = (from: number, to: number) => {
      const picked = new Float64Array((to - from) * outputs)
      for (let k = from; k < to; k++)
        for (let r = 0; r < outputs; r++)
          picked[(k - from) * outputs + r] = by(r) * (weight[r * inputs + k] as number)
      return picked
    }
    const taken = i === 0 ? passive : inputs
    put(`weight${2 * i}`, [taken, outputs], columns(0, taken))
    if (i > 0 || c === 0) {
      put(
        `bias${2 * i}`,
        [outputs],
        Float64Array.from(bias, (v, r) => by(r) * v),
      )
      return
    }
    const axis = (n: number, from: number, start?: ArrayLike<number>) =>
      axisTable(n, c / 2, columns(passive + from, passive + from + c / 2), outputs, start)
    put('columns', [1, width, outputs], axis(width, 0))
    put('rows', [height, 1, outputs], axis(height, c / 2, bias))
  })
  return folded
}

/** One axis' part of the condition's product: encoding [n, half] · weights [half, hidden], plus a bias. */
function axisTable(
  n: number,
  half: number,
  weights: Float64Array,
  hidden: number,
  bias?: ArrayLike<number>,
): Float64Array {
  const encoding = axisEncoding(n, half)
  const table = new Float64Array(n * hidden)
  for (let p = 0; p < n; p++) {
    const row = table.subarray(p * hidden, (p + 1) * hidden)
    if (bias) row.set(Array.from(bias))
    for (let c = 0; c < half; c++) {
      const e = encoding[p * half + c] as number
      for (let j = 0; j < hidden; j++) row[j]! += e * (weights[c * hidden + j] as number)
    }
  }
  return table
}
