import { apply, attribute, floatAttribute, infers, intAttribute, type One } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import {
  shapeError,
  shapeText,
  type Attributes,
  type Dim,
  type Operator,
  type Shape,
  type Value,
} from '../value.js'
import { add, scale } from './elementwise.js'
import { reshape, transpose } from './movement.js'
import { sumTo } from './reduction.js'

/** Rows and columns of a product of two matrices, given theirs. */
function productShape(
  type: string,
  [a, b]: readonly [Value, Value],
  [rows, x]: Shape,
  [y, columns]: Shape,
): readonly [Dim, Dim] {
  sameDType(type, [a, b])
  if (typeof x === 'number' && typeof y === 'number' && x !== y)
    throw shapeError(
      `${type} of ${shapeText(a.shape)} and ${shapeText(b.shape)}: ${x} columns meet ${y} rows`,
    )
  return [rows as Dim, columns as Dim]
}

function swapLast(x: Value): Value {
  const order = [...x.shape.keys()]
  return transpose(x, [...order.slice(0, -2), ...order.slice(-2).reverse()])
}

/** Matrix product over the last two axes; leading axes broadcast. Both operands have rank 2 or more. */
export const MatMul: Operator = {
  type: 'MatMul',
  infer: infers((a, inputs) => {
    const b = inputs[1] as Value
    if (a.shape.length < 2 || b.shape.length < 2)
      throw shapeError('MatMul here needs operands of rank 2 or more')
    return [
      ...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)),
      ...productShape('MatMul', [a, b], a.shape.slice(-2), b.shape.slice(-2)),
    ]
  }),
  gradient: ({ inputs }, [g]: One) => {
    const [a, b] = inputs as readonly [Value, Value]
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
    throw shapeError(`the last axis of ${shapeText(x.shape)} must be known`)
  return d
}

/** α·A′·B′ + β·C for matrices, A′ and B′ optionally transposed, C broadcast. */
export const Gemm: Operator = {
  type: 'Gemm',
  infer: infers((a, inputs, attributes) => {
    const [, b, c] = inputs as readonly [Value, Value, Value?]
    if (a.shape.length !== 2 || b.shape.length !== 2) throw shapeError('Gemm needs matrices')
    const { transA, transB } = transposed(attributes)
    const turned = ({ shape }: Value, turn: boolean) => (turn ? shape.toReversed() : shape)
    const shape = productShape('Gemm', [a, b], turned(a, transA), turned(b, transB))
    if (c) broadcast(c.shape, shape)
    sameDType('Gemm', inputs)
    return shape
  }),
  gradient: ({ inputs, attributes }, [g]: One) => {
    const [a, b, c] = inputs as readonly [Value, Value, Value?]
    const { transA, transB } = transposed(attributes)
    const alpha = floatAttribute(attributes, 'alpha', 1)
    const beta = floatAttribute(attributes, 'beta', 1)
    const da = transA
      ? gemm(b, g, { transA: transB, transB: true, alpha })
      : gemm(g, b, { transB: !transB, alpha })
    const db = transB
      ? gemm(g, a, { transA: true, transB: transA, alpha })
      : gemm(a, g, { transA: !transA, alpha })
    return [da, db, c && sumTo(beta === 1 ? g : scale(g, beta), c)]
  },
}

const transposed = (attributes: Attributes) => ({
  transA: intAttribute(attributes, 'transA', 0) === 1,
  transB: intAttribute(attributes, 'transB', 0) === 1,
})

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
  const { c, transA, transB, alpha = 1, beta = 1 } = options
  if (a.dtype === 'float64' && (Math.fround(alpha) !== alpha || Math.fround(beta) !== beta)) {
    // attributes are float32 in ONNX: too coarse for a float64 graph
    const product = scale(gemm(a, b, { ...options, c: undefined, alpha: 1, beta: 1 }), alpha)
    return c ? add(product, scale(c, beta)) : product
  }
  return apply(Gemm, c ? [a, b, c] : [a, b], {
    ...(transA && { transA: attribute.int(1) }),
    ...(transB && { transB: attribute.int(1) }),
    ...(alpha !== 1 && { alpha: attribute.float(alpha) }),
    ...(beta !== 1 && { beta: attribute.float(beta) }),
  })
}
