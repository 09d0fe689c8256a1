import { CflowError } from '@cflow/base'
import { apply, attribute, floatAttribute, intAttribute } from '../operator.js'
import type { Operator } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import { shapeText } from '../value.js'
import type { Dim, Value } from '../value.js'
import { add, scale } from './elementwise.js'
import { reshape, transpose } from './movement.js'
import { sumTo } from './reduction.js'

function inner(type: string, a: Value, b: Value, x: Dim, y: Dim): void {
  if (typeof x === 'number' && typeof y === 'number' && x !== y)
    throw new CflowError(
      'SHAPE',
      `${type} of ${shapeText(a.shape)} and ${shapeText(b.shape)}: ${x} columns meet ${y} rows`,
    )
}

const swapLast = (x: Value): Value => {
  const order = x.shape.map((_, i) => i)
  const n = order.length
  ;[order[n - 2], order[n - 1]] = [n - 1, n - 2]
  return transpose(x, order)
}

/** Matrix product over the last two axes; leading axes broadcast. Both operands have rank 2 or more. */
export const MatMul: Operator = {
  type: 'MatMul',
  infer: (inputs) => {
    const [a, b] = inputs as readonly [Value, Value]
    if (a.shape.length < 2 || b.shape.length < 2)
      throw new CflowError('SHAPE', 'MatMul here needs operands of rank 2 or more')
    inner('MatMul', a, b, a.shape.at(-1) as Dim, b.shape.at(-2) as Dim)
    return [
      {
        dtype: sameDType('MatMul', inputs),
        shape: [
          ...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)),
          a.shape.at(-2) as Dim,
          b.shape.at(-1) as Dim,
        ],
      },
    ]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const [a, b] = node.inputs as readonly [Value, Value]
    if (a.shape.length === 2 && b.shape.length === 2)
      return [gemm(g, b, { transB: true }), gemm(a, g, { transA: true })]
    if (b.shape.length === 2) {
      // one product for all leading axes of `a`
      const rows = (x: Value) => reshape(x, [-1, last(x)])
      return [matMul(g, transpose(b, [1, 0])), gemm(rows(a), rows(g), { transA: true })]
    }
    return [sumTo(matMul(g, swapLast(b)), a), sumTo(matMul(swapLast(a), g), b)]
  },
}

function last(x: Value): number {
  const d = x.shape.at(-1)
  if (typeof d !== 'number')
    throw new CflowError('SHAPE', `the last axis of ${shapeText(x.shape)} must be known`)
  return d
}

/** α·A′·B′ + β·C for matrices, A′ and B′ optionally transposed, C broadcast. */
export const Gemm: Operator = {
  type: 'Gemm',
  infer: (inputs, attributes) => {
    const [a, b] = inputs as readonly [Value, Value]
    if (a.shape.length !== 2 || b.shape.length !== 2)
      throw new CflowError('SHAPE', 'Gemm needs matrices')
    const [ta, tb] = transposed(attributes)
    inner('Gemm', a, b, a.shape[ta ? 0 : 1] as Dim, b.shape[tb ? 1 : 0] as Dim)
    const shape = [a.shape[ta ? 1 : 0] as Dim, b.shape[tb ? 0 : 1] as Dim]
    const c = inputs[2]
    if (c) broadcast(c.shape, shape)
    return [{ dtype: sameDType('Gemm', inputs), shape }]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const [a, b] = node.inputs as readonly [Value, Value]
    const c = node.inputs[2]
    const [ta, tb] = transposed(node.attributes)
    const alpha = floatAttribute(node.attributes, 'alpha', 1)
    const beta = floatAttribute(node.attributes, 'beta', 1)
    const da = ta
      ? gemm(b, g, { transA: tb, transB: true, alpha })
      : gemm(g, b, { transB: !tb, alpha })
    const db = tb
      ? gemm(g, a, { transA: true, transB: ta, alpha })
      : gemm(a, g, { transA: !ta, alpha })
    return [da, db, c && sumTo(beta === 1 ? g : scale(g, beta), c)]
  },
}

function transposed(attributes: Parameters<typeof intAttribute>[0]): [boolean, boolean] {
  return [intAttribute(attributes, 'transA', 0) === 1, intAttribute(attributes, 'transB', 0) === 1]
}

export const matMul = (a: Value, b: Value): Value => apply(MatMul, [a, b])

export function gemm(
  a: Value,
  b: Value,
  options: {
    readonly c?: Value | undefined
    readonly transA?: boolean
    readonly transB?: boolean
    readonly alpha?: number
    /** Factor of `c`; 1 when absent. */
    readonly beta?: number
  } = {},
): Value {
  const { c, alpha = 1, beta = 1 } = options
  if (a.dtype === 'float64' && (Math.fround(alpha) !== alpha || Math.fround(beta) !== beta)) {
    // attributes are float32 in ONNX: too coarse for a float64 graph
    const product = scale(gemm(a, b, { ...options, c: undefined, alpha: 1, beta: 1 }), alpha)
    return c ? add(product, scale(c, beta)) : product
  }
  return apply(Gemm, options.c ? [a, b, options.c] : [a, b], {
    ...(options.transA && { transA: attribute.int(1) }),
    ...(options.transB && { transB: attribute.int(1) }),
    ...(options.alpha !== undefined &&
      options.alpha !== 1 && { alpha: attribute.float(options.alpha) }),
    ...(options.beta !== undefined &&
      options.beta !== 1 && { beta: attribute.float(options.beta) }),
  })
}
