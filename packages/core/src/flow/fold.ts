import { floats } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import {
  add,
  concat,
  constant,
  exp,
  gather,
  gemm,
  int64s,
  mul,
  reduceSum,
  relu,
  reshape,
  scalar,
  scale,
  split,
  sub,
  tanh,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { axisEncoding } from '../positional.js'
import { blockShape, clampBound, halves } from './config.js'
import type { FlowConfig } from './config.js'
import { addRepeated } from './coupling.js'
import { permutationOf } from './flow.js'
import type { FlowResult } from './flow.js'
import { logLikelihood } from './likelihood.js'
import { mixingName } from './parameters.js'
import type { FlowParameters } from './parameters.js'
import type { Whitening } from './whitening.js'

/**
 * The flow as an inference graph with everything folded that is exact (float64 arithmetic, stored in float32):
 * 0.1 into the second linear layer; the condition columns replaced by one table per axis (W₁c is separable); g and τ
 * into the rotation; the last rotation dropped, since it leaves ‖u‖ alone; permutations as gathers.
 */
export function foldedLogLikelihood(
  rows: Value,
  height: number,
  width: number,
  config: FlowConfig,
  parameters: FlowParameters,
  whitening: Whitening | undefined,
  name: string,
): Value {
  const named = (part: string, shape: readonly number[], data: ArrayLike<number>) =>
    constant(floats('float32', shape, data), `${name}.${part}`)
  const start = whitening ? whitened(rows, whitening, named) : rows
  let [first, second] = split(start, halves(config.depth), 1) as readonly [Value, Value]
  let logDeterminant: Value | undefined
  let fixed = whitening?.logDeterminant ?? 0
  for (let k = 0; k < config.couplingLayers; k++) {
    const shape = blockShape(config, k)
    const [passive, active] = shape.second ? [first, second] : [second, first]
    const get = (part: string) =>
      parameters.get(`module_list.${k}.${part}`) as Tensor<'float32' | 'float64'>
    const put = (part: string, s: readonly number[], data: ArrayLike<number>) =>
      named(`block${k}.${part}`, s, data)

    const w0 = get('subnet.0.weight').data
    const columns = shape.passive + config.condition
    const pick = (from: number, to: number) =>
      transposedColumns(w0, columns, shape.hidden, from, to)
    const weight0 = put('weight0', [shape.passive, shape.hidden], pick(0, shape.passive))
    const bias0 = get('subnet.0.bias').data
    let before: Value
    if (config.condition > 0) {
      const half = config.condition / 2
      const table = (n: number, from: number, bias?: ArrayLike<number>) => {
        const w = pick(shape.passive + from, shape.passive + from + half)
        return axisTable(n, half, w, shape.hidden, bias)
      }
      const x = put('columns', [1, width, shape.hidden], table(width, 0))
      const y = put('rows', [height, 1, shape.hidden], table(height, half, bias0))
      before = addRepeated(
        gemm(passive, weight0),
        reshape(add(x, y), [height * width, shape.hidden]),
      )
    } else before = gemm(passive, weight0, { c: put('bias0', [shape.hidden], bias0) })

    // 0.1, and 1/α of the newer clamp for the scale half, into the second layer
    const factor = (row: number) =>
      row < shape.active && config.clamp === 'freia' ? 0.1 / clampBound : 0.1
    const w2 = get('subnet.2.weight').data
    const b2 = get('subnet.2.bias').data
    const out = 2 * shape.active
    const weight2 = put(
      'weight2',
      [shape.hidden, out],
      scaledTranspose(w2, shape.hidden, out, factor),
    )
    const bias2 = put(
      'bias2',
      [out],
      Float64Array.from(b2, (v, r) => factor(r) * v),
    )
    const both = split(gemm(relu(before), weight2, { c: bias2 }), [shape.active, shape.active], 1)
    const sigma = scale(tanh(both[0] as Value), clampBound)
    const moved = add(mul(active, exp(sigma)), both[1] as Value)
    ;[first, second] = shape.second ? [first, moved] : [moved, second]
    const term = reduceSum(sigma, [1])
    logDeterminant = logDeterminant ? add(logDeterminant, term) : term

    if (config.permutation !== 'alternate') {
      const g = Float64Array.from(get('global_scale').data, (v) => 0.2 * softplusOf(v / 2))
      const tau = get('global_offset').data
      fixed += g.reduce((s, v) => s + Math.log(v), 0)
      const last = k === config.couplingLayers - 1
      const affine = () => {
        const u = concat([first, second], 1)
        return add(mul(u, put('scale', [config.depth], g)), put('offset', [config.depth], tau))
      }
      let y: Value
      if (last) y = affine()
      else if (config.permutation === 'hard') {
        const w = parameters.get(mixingName(k)) as Tensor<'float32' | 'float64'>
        y = gather(affine(), int64s(permutationOf(w)), 1)
      } else y = rotated(concat([first, second], 1), g, tau, get('w_perm').data, put)
      ;[first, second] = split(y, halves(config.depth), 1) as readonly [Value, Value]
    }
  }
  const result: FlowResult = {
    halves: [first, second],
    logDeterminant: add(logDeterminant as Value, scalar(fixed)),
  }
  return logLikelihood(result, config.depth)
}

type Put = (part: string, shape: readonly number[], data: ArrayLike<number>) => Value

function whitened(rows: Value, w: Whitening, put: Put): Value {
  const d = w.depth
  const grouped = reshape(rows, [-1, w.positions, d])
  const centred = reshape(sub(grouped, put('mean', [w.positions, d], w.mean)), [-1, d])
  return gemm(centred, put('whitening', [d, d], w.matrix), { transB: true })
}

function rotated(
  u: Value,
  g: Float64Array,
  tau: ArrayLike<number>,
  w: ArrayLike<number>,
  put: Put,
): Value {
  const d = g.length
  const matrix = new Float64Array(d * d)
  const offset = new Float64Array(d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) {
      const v = w[i * d + j] as number
      matrix[j * d + i] = v * (g[j] as number)
      offset[i]! += v * (tau[j] as number)
    }
  return gemm(u, put('rotation', [d, d], matrix), { c: put('offset', [d], offset) })
}

/** Columns `from` … `to` of a matrix [rows, columns], transposed: [to − from, rows]. */
function transposedColumns(
  matrix: ArrayLike<number>,
  columns: number,
  rows: number,
  from: number,
  to: number,
): Float64Array {
  const picked = new Float64Array((to - from) * rows)
  for (let c = from; c < to; c++)
    for (let r = 0; r < rows; r++) picked[(c - from) * rows + r] = matrix[r * columns + c] as number
  return picked
}

/** A matrix [rows, columns], each row times its factor, transposed: [columns, rows]. */
function scaledTranspose(
  matrix: ArrayLike<number>,
  columns: number,
  rows: number,
  factor: (row: number) => number,
): Float64Array {
  const result = new Float64Array(columns * rows)
  for (let r = 0; r < rows; r++) {
    const f = factor(r)
    for (let c = 0; c < columns; c++) result[c * rows + r] = f * (matrix[r * columns + c] as number)
  }
  return result
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

const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
