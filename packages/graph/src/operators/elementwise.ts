import { apply, attribute, infers, type One } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import { scalar, type Operator, type Value } from '../value.js'

function unary(type: string, rule?: (g: Value, x: Value, y: Value) => Value): Operator {
  return {
    type,
    infer: infers((x) => x.shape),
    ...(rule && {
      gradient: ({ inputs, outputs }, [g]: One) => [
        rule(g, inputs[0] as Value, outputs[0] as Value),
      ],
    }),
  }
}

function binary(
  type: string,
  rule: (g: Value, a: Value, b: Value, y: Value) => readonly [Value, Value],
): Operator {
  return {
    type,
    broadcasts: true,
    infer: infers((a, inputs) => {
      sameDType(type, inputs)
      return broadcast(a.shape, (inputs[1] as Value).shape)
    }),
    gradient: ({ inputs, outputs }, [g]: One) =>
      rule(g, inputs[0] as Value, inputs[1] as Value, outputs[0] as Value),
  }
}

/** @param excess positive where the first operand is the one that counts */
const extremum = (type: string, excess: (a: Value, b: Value) => Value): Operator =>
  binary(type, (g, a, b) => {
    const first = mul(g, step(excess(a, b)))
    return [first, sub(g, first)]
  })

export const Add = binary('Add', (g) => [g, g])
export const Sub = binary('Sub', (g) => [g, neg(g)])
export const Mul = binary('Mul', (g, a, b) => [mul(g, b), mul(g, a)])
export const Div = binary('Div', (g, _a, b, y) => [div(g, b), neg(div(mul(g, y), b))])
export const Max = extremum('Max', (a, b) => sub(a, b))
export const Min = extremum('Min', (a, b) => sub(b, a))
export const Neg = unary('Neg', (g) => neg(g))
export const Exp = unary('Exp', (g, _x, y) => mul(g, y))
export const Log = unary('Log', (g, x) => div(g, x))
export const Sqrt = unary('Sqrt', (g, _x, y) => div(mul(g, scalar(0.5, g.dtype)), y))
export const Reciprocal = unary('Reciprocal', (g, _x, y) => neg(mul(g, mul(y, y))))
export const Tanh = unary('Tanh', (g, _x, y) => mul(g, sub(scalar(1, g.dtype), mul(y, y))))
export const Sigmoid = unary('Sigmoid', (g, _x, y) => mul(g, mul(y, sub(scalar(1, g.dtype), y))))
export const Relu = unary('Relu', (g, _x, y) => mul(g, step(y)))
export const Abs = unary('Abs', (g, x) => mul(g, sub(step(x), step(neg(x)))))
export const Sin = unary('Sin', (g, x) => mul(g, cos(x)))
export const Cos = unary('Cos', (g, x) => neg(mul(g, sin(x))))
export const Floor = unary('Floor')
export const HardSwish = unary('HardSwish')
export const HardSigmoid = unary('HardSigmoid')

/** ln(1 + eˣ). ONNX Runtime has it in float32 only; other types are written out, stable for large |x|. */
export const Softplus: Operator = {
  ...unary('Softplus', (g, x) => mul(g, sigmoid(x))),
  lower: (node) => {
    const x = node.inputs[0] as Value
    if (x.dtype !== 'float64') return undefined
    return [add(relu(x), log(add(scalar(1, x.dtype), exp(neg(abs(x))))))]
  },
}

/** Clamp to [min, max]; both are scalar inputs in ONNX. */
export const Clip: Operator = {
  ...unary('Clip'),
  gradient: ({ inputs }, [g]: One) => {
    const [x, low, high] = inputs as readonly [Value, Value?, Value?]
    const above = low && step(sub(x, low))
    const below = high && step(sub(high, x))
    const inside = above && below ? mul(above, below) : (above ?? below)
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

const isExpanded = ({ node }: Value): boolean =>
  node.kind === 'operator' && node.operator.type === 'Expand'

function unexpanded(x: Value, other: Value): Value {
  if (x.node.kind !== 'operator' || !isExpanded(x) || isExpanded(other)) return x
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
export const hardSigmoid = (x: Value): Value => clippedLine(x, 1 / 6, 0.5)

/** min(max(slope·x + offset, 0), 1) in one pass over memory. */
const clippedLine = (x: Value, slope: number, offset: number): Value =>
  apply(HardSigmoid, [x], { alpha: attribute.float(slope), beta: attribute.float(offset) })

export function clip(x: Value, low: number | undefined, high: number | undefined): Value {
  const bound = (value: number | undefined) =>
    value === undefined ? undefined : scalar(value, x.dtype)
  return apply(Clip, [x, bound(low), bound(high)])
}

/** x times a number. */
export const scale = (x: Value, factor: number): Value => mul(x, scalar(factor, x.dtype))

export const square = (x: Value): Value => mul(x, x)

/**
 * 1 where x > 0, else 0, as x's type: what ReLU's gradient multiplies with. Clipping a large multiple runs on all
 * threads; comparisons and `Sign` run on one in ONNX Runtime. In float32 a hard sigmoid is multiple and clipping in one
 * pass over memory. Exact for |x| ≥ 1e-30 (float64: 1e-200), or 0.
 */
export const step = (x: Value): Value =>
  x.dtype === 'float32' ? clippedLine(x, 1e30, 0) : clip(scale(x, 1e200), 0, 1)
