import { CflowError, type DType } from '@cflow/base'
import { hold, isInteger, made, madeChannelsLast, mapped, typeIn, type Held, type Tensor, type Tf } from '../held.js' // prettier-ignore
import { broadcast, inputAt, kernel, type Call, type Kernel, type Kernels } from '../kernel.js'
import { dtypeNumbered } from '@cflow/graph'
import { numberAttribute } from '../attributes.js'

const unary = (rule: (tf: Tf, x: Tensor, call: Call) => Tensor): Kernel =>
  kernel((call) => [mapped(call, inputAt(call, 0), (x) => rule(call.tf, x, call))])

/** Of whole numbers, in 64 bits: they are few, and known most often. */
async function ofIntegers(
  call: Call,
  rule: (a: number, b: number) => number,
): Promise<readonly Held[]> {
  const [a, b] = [inputAt(call, 0), inputAt(call, 1)]
  const [x, y] = [await a.numbers(), await b.numbers()]
  const shape = broadcast(a.shape, b.shape)
  const [from, to] = [a, b].map((v) => placesIn(v.shape, shape)) as [Places, Places]
  const size = shape.reduce((n, d) => n * d, 1)
  const numbers = Float64Array.from({ length: size }, (_, i) => rule(x[from(i)]!, y[to(i)]!))
  return [hold(call, a.dtype, shape, { numbers })]
}

type Places = (i: number) => number

/** Where the element that is broadcast to place i of a shape stands in a smaller one. */
function placesIn(from: readonly number[], to: readonly number[]): Places {
  if (from.every((d) => d === 1)) return () => 0
  const strides = from.map((d, i) => (d === 1 ? 0 : from.slice(i + 1).reduce((n, e) => n * e, 1)))
  return (i) => {
    let [rest, place] = [i, 0]
    for (let axis = to.length - 1, own = from.length - 1; own >= 0; axis--, own--) {
      place += (rest % to[axis]!) * strides[own]!
      rest = Math.floor(rest / to[axis]!)
    }
    return place
  }
}

/** With the channels last where one of them is so, else in the order of the axes. */
function together(
  call: Call,
  values: readonly Held[],
  dtype: DType,
  rule: (...tensors: Tensor[]) => Tensor,
): Held {
  const rank = Math.max(...values.map((v) => v.shape.length))
  if (rank === 4 && values.some((v) => v.isChannelsLast))
    return madeChannelsLast(call, dtype, () => rule(...values.map((v) => v.channelsLast())))
  return made(call, dtype, () => rule(...values.map((v) => v.plain())))
}

const binary = (
  rule: (tf: Tf, a: Tensor, b: Tensor) => Tensor,
  exact: (a: number, b: number) => number,
): Kernel =>
  kernel(
    (call) => {
      const [a, b] = [inputAt(call, 0), inputAt(call, 1)]
      broadcast(a.shape, b.shape)
      if (isInteger(a.dtype)) return ofIntegers(call, exact)
      return [together(call, [a, b], a.dtype, (x, y) => rule(call.tf, x!, y!))]
    },
    ({ inputs }) => (inputs.length === 2 ? undefined : `with ${inputs.length} inputs`),
  )

const comparison = (rule: (tf: Tf, a: Tensor, b: Tensor) => Tensor): Kernel =>
  kernel((call) => {
    const [a, b] = [inputAt(call, 0), inputAt(call, 1)]
    broadcast(a.shape, b.shape)
    return [together(call, [a, b], 'bool', (x, y) => rule(call.tf, x!, y!))]
  })

/** min(max(slope·x + offset, 0), 1) */
const clippedLine = (tf: Tf, x: Tensor, slope: number, offset: number): Tensor => {
  const scaled = tf.mul(x, tf.scalar(slope))
  return tf.clipByValue(offset === 0 ? scaled : tf.add(scaled, tf.scalar(offset)), 0, 1)
}

/** Limits of Clip where one is absent. */
const widest = 3.4028234663852886e38

const cast = kernel(
  async (call) => {
    const x = inputAt(call, 0)
    const to = dtypeNumbered(numberAttribute(call.attributes, 'to', 1))!
    const { tf } = call
    if (to === 'bool') return [mapped(call, x, (t) => tf.notEqual(t, tf.scalar(0, t.dtype as 'int32')), to)] // prettier-ignore
    const rounds = isInteger(to) && !isInteger(x.dtype) && x.dtype !== 'bool'
    if (rounds && (to === 'int64' || to === 'int32')) {
      // few, and most often they become sizes
      const numbers = Float64Array.from(await x.numbers(), Math.trunc)
      return [hold(call, to, x.shape, { numbers })]
    }
    if (x.known && !rounds) return [hold(call, to, x.shape, { numbers: x.known })]
    return [mapped(call, x, (t) => tf.cast(t, typeIn(to)), to)]
  },
  ({ attributes }) => {
    const to = dtypeNumbered(numberAttribute(attributes, 'to', 1))
    return to === undefined || to === 'float64' || to === 'float16' ? `to ${to ?? 'a type that TensorFlow.js lacks'}` : undefined // prettier-ignore
  },
)

const where = kernel((call) => {
  const [c, a, b] = [inputAt(call, 0), inputAt(call, 1), inputAt(call, 2)]
  broadcast(c.shape, broadcast(a.shape, b.shape))
  return [together(call, [c, a, b], a.dtype, (x, y, z) => call.tf.where(x!, y!, z!))]
})

async function clip(call: Call): Promise<readonly Held[]> {
  const [x, low, high] = [inputAt(call, 0), call.inputs[1], call.inputs[2]]
  const [least = -widest] = low ? Array.from(await low.numbers()) : []
  const [most = widest] = high ? Array.from(await high.numbers()) : []
  if (isInteger(x.dtype)) throw new CflowError('MODEL', 'TensorFlow.js clips no whole numbers here')
  return [mapped(call, x, (t) => call.tf.clipByValue(t, least, most))]
}

const integerUnary = (rule: (tf: Tf, x: Tensor) => Tensor, exact: (x: number) => number): Kernel =>
  kernel(async (call) => {
    const x = inputAt(call, 0)
    if (!isInteger(x.dtype)) return [mapped(call, x, (t) => rule(call.tf, t))]
    const numbers = Float64Array.from(await x.numbers(), exact)
    return [hold(call, x.dtype, x.shape, { numbers })]
  })

export const elementwise: Kernels = {
  Add: binary(
    (tf, a, b) => tf.add(a, b),
    (a, b) => a + b,
  ),
  Sub: binary(
    (tf, a, b) => tf.sub(a, b),
    (a, b) => a - b,
  ),
  Mul: binary(
    (tf, a, b) => tf.mul(a, b),
    (a, b) => a * b,
  ),
  Div: binary(
    (tf, a, b) => tf.div(a, b),
    (a, b) => Math.trunc(a / b),
  ),
  Max: binary((tf, a, b) => tf.maximum(a, b), Math.max),
  Min: binary((tf, a, b) => tf.minimum(a, b), Math.min),
  Equal: comparison((tf, a, b) => tf.equal(a, b)),
  Less: comparison((tf, a, b) => tf.less(a, b)),
  Greater: comparison((tf, a, b) => tf.greater(a, b)),
  And: comparison((tf, a, b) => tf.logicalAnd(a, b)),
  Where: where,
  Neg: integerUnary(
    (tf, x) => tf.neg(x),
    (x) => -x,
  ),
  Abs: integerUnary((tf, x) => tf.abs(x), Math.abs),
  Exp: unary((tf, x) => tf.exp(x)),
  Log: unary((tf, x) => tf.log(x)),
  Sqrt: unary((tf, x) => tf.sqrt(x)),
  Reciprocal: unary((tf, x) => tf.reciprocal(x)),
  Tanh: unary((tf, x) => tf.tanh(x)),
  Sigmoid: unary((tf, x) => tf.sigmoid(x)),
  Relu: unary((tf, x) => tf.relu(x)),
  Sin: unary((tf, x) => tf.sin(x)),
  Cos: unary((tf, x) => tf.cos(x)),
  Floor: unary((tf, x) => tf.floor(x)),
  Softplus: unary((tf, x) => tf.softplus(x)),
  HardSwish: unary((tf, x) => tf.mul(x, clippedLine(tf, x, 1 / 6, 0.5))),
  HardSigmoid: unary(
    (tf, x, { attributes }) =>
    clippedLine(tf, x, numberAttribute(attributes, 'alpha', 0.2), numberAttribute(attributes, 'beta', 0.5)), // prettier-ignore
  ),
  Clip: kernel(clip),
  Cast: cast,
}
