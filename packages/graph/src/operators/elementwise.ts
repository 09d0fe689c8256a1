import { apply } from '../operator.js'
import type { Operator } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import { scalar } from '../value.js'
import type { OperatorNode, Value } from '../value.js'
import { sumTo } from './reduction.js'

type Rule = (node: OperatorNode, g: Value) => readonly (Value | undefined)[]

const in0 = (node: OperatorNode) => node.inputs[0] as Value
const in1 = (node: OperatorNode) => node.inputs[1] as Value
const out = (node: OperatorNode) => node.outputs[0] as Value

function unary(type: string, rule?: (x: Value, y: Value, g: Value) => Value): Operator {
  return {
    type,
    infer: (inputs) => [{ dtype: (inputs[0] as Value).dtype, shape: (inputs[0] as Value).shape }],
    ...(rule && { gradient: (node, [g]) => [g && rule(in0(node), out(node), g)] }),
  }
}

function binary(type: string, rule?: Rule): Operator {
  return {
    type,
    infer: (inputs) => [
      {
        dtype: sameDType(type, inputs),
        shape: broadcast((inputs[0] as Value).shape, (inputs[1] as Value).shape),
      },
    ],
    ...(rule && {
      gradient: (node, [g]) =>
        g ? rule(node, g).map((d, i) => d && sumTo(d, node.inputs[i] as Value)) : [],
    }),
  }
}

export const Add = binary('Add', (_, g) => [g, g])
export const Sub = binary('Sub', (_, g) => [g, neg(g)])
export const Mul = binary('Mul', (n, g) => [mul(g, in1(n)), mul(g, in0(n))])
export const Div = binary('Div', (n, g) => [div(g, in1(n)), neg(div(mul(g, out(n)), in1(n)))])
export const Max = binary('Max', (n, g) => {
  const first = mul(g, step(sub(in0(n), in1(n))))
  return [first, sub(g, first)]
})
export const Min = binary('Min', (n, g) => {
  const first = mul(g, step(sub(in1(n), in0(n))))
  return [first, sub(g, first)]
})
export const Neg = unary('Neg', (_x, _y, g) => neg(g))
export const Exp = unary('Exp', (_x, y, g) => mul(g, y))
export const Log = unary('Log', (x, _y, g) => div(g, x))
export const Sqrt = unary('Sqrt', (_x, y, g) => div(mul(g, scalar(0.5, g.dtype)), y))
export const Reciprocal = unary('Reciprocal', (_x, y, g) => neg(mul(g, mul(y, y))))
export const Tanh = unary('Tanh', (_x, y, g) => mul(g, sub(scalar(1, g.dtype), mul(y, y))))
export const Sigmoid = unary('Sigmoid', (_x, y, g) => mul(g, mul(y, sub(scalar(1, g.dtype), y))))
export const Relu = unary('Relu', (_x, y, g) => mul(g, step(y)))
export const Abs = unary('Abs', (x, _y, g) => mul(g, sub(step(x), step(neg(x)))))
export const Sin = unary('Sin', (x, _y, g) => mul(g, cos(x)))
export const Cos = unary('Cos', (x, _y, g) => neg(mul(g, sin(x))))
export const Floor = unary('Floor')
export const HardSwish = unary('HardSwish')
export const HardSigmoid = unary('HardSigmoid')

/** ln(1 + eˣ). ONNX Runtime has it in float32 only; other types are written out, stable for large |x|. */
export const Softplus: Operator = {
  ...unary('Softplus', (x, _y, g) => mul(g, sigmoid(x))),
  lower: (node) => {
    const x = in0(node)
    if (x.dtype === 'float32') return undefined
    return [add(relu(x), log(add(scalar(1, x.dtype), exp(neg(abs(x))))))]
  },
}

/** Clamp to [min, max]; both are scalar inputs in ONNX. */
export const Clip: Operator = {
  type: 'Clip',
  infer: (inputs) => [{ dtype: (inputs[0] as Value).dtype, shape: (inputs[0] as Value).shape }],
  gradient: (node, [g]) => {
    if (!g) return []
    const x = in0(node)
    const [, low, high] = node.inputs
    let inside: Value | undefined
    if (low) inside = step(sub(x, low))
    if (high) {
      const below = step(sub(high, x))
      inside = inside ? mul(inside, below) : below
    }
    return [inside ? mul(g, inside) : g]
  },
}

/** Elementwise sum, broadcasting as NumPy does; so are `sub`, `mul`, `div`, `max`, `min`. */
export const add = (a: Value, b: Value): Value => pairwise(Add, a, b)
export const sub = (a: Value, b: Value): Value => pairwise(Sub, a, b)
export const mul = (a: Value, b: Value): Value => pairwise(Mul, a, b)
export const div = (a: Value, b: Value): Value => pairwise(Div, a, b)
export const max = (a: Value, b: Value): Value => pairwise(Max, a, b)
export const min = (a: Value, b: Value): Value => pairwise(Min, a, b)

/** Apply a binary operator; an operand that was only expanded to the other's shape broadcasts instead. */
function pairwise(operator: Operator, a: Value, b: Value): Value {
  return apply(operator, [unexpanded(a, b), unexpanded(b, a)])
}

function unexpanded(x: Value, other: Value): Value {
  if (x.node.kind !== 'operator' || x.node.operator.type !== 'Expand') return x
  if (other.node.kind === 'operator' && other.node.operator.type === 'Expand') return x
  const same =
    x.shape.length === other.shape.length &&
    x.shape.every((d, i) => d !== null && d === other.shape[i])
  return same ? (x.node.inputs[0] as Value) : x
}
export const neg = (x: Value): Value => apply(Neg, [x])
export const exp = (x: Value): Value => apply(Exp, [x])
export const log = (x: Value): Value => apply(Log, [x])
export const sqrt = (x: Value): Value => apply(Sqrt, [x])
export const reciprocal = (x: Value): Value => apply(Reciprocal, [x])
export const tanh = (x: Value): Value => apply(Tanh, [x])
export const sigmoid = (x: Value): Value => apply(Sigmoid, [x])
export const relu = (x: Value): Value => apply(Relu, [x])
export const abs = (x: Value): Value => apply(Abs, [x])
export const sin = (x: Value): Value => apply(Sin, [x])
export const cos = (x: Value): Value => apply(Cos, [x])
export const floor = (x: Value): Value => apply(Floor, [x])
export const hardSwish = (x: Value): Value => apply(HardSwish, [x])
export const softplus = (x: Value): Value => apply(Softplus, [x])

/** x·min(max(x/6 + ½, 0), 1)'s gate alone, as torchvision and timm define it (slope 1/6). */
export const hardSigmoid = (x: Value): Value =>
  apply(HardSigmoid, [x], {
    alpha: { kind: 'float', value: 1 / 6 },
    beta: { kind: 'float', value: 0.5 },
  })

export function clip(x: Value, low: number | undefined, high: number | undefined): Value {
  return apply(Clip, [
    x,
    low === undefined ? undefined : scalar(low, x.dtype),
    high === undefined ? undefined : scalar(high, x.dtype),
  ])
}

/** x times a number. */
export const scale = (x: Value, factor: number): Value => mul(x, scalar(factor, x.dtype))

export const square = (x: Value): Value => mul(x, x)

/**
 * 1 where x > 0, else 0, as x's type: what ReLU's gradient multiplies with. Clipping a large multiple runs on all
 * threads; comparisons and `Sign` run on one in ONNX Runtime. In float32 a hard sigmoid is multiple and clipping in one
 * pass over memory. Exact for |x| ≥ 1e-30 (float64: 1e-200), or 0.
 */
export function step(x: Value): Value {
  if (x.dtype !== 'float32') return clip(scale(x, 1e200), 0, 1)
  return apply(HardSigmoid, [x], {
    alpha: { kind: 'float', value: 1e30 },
    beta: { kind: 'float', value: 0 },
  })
}
