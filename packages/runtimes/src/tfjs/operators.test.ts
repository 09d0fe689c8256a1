import { Random, floats, messageOf, sizeOf, tensor, type Tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import { expect, it } from 'vitest'
import { operators } from '../../../graph/src/operators/registry.js'
import { openRuntime } from '../index.node.js'
import { kernels, without } from './operators/table.js'

const random = Random.seeded(3)
const f = (shape: readonly number[], low = -2, high = 2): Tensor =>
  floats('float32', shape, Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high))) // prettier-ignore
const longs = (shape: readonly number[], values: readonly number[]): Tensor =>
  tensor('int64', shape, BigInt64Array.from(values, BigInt))

interface Case {
  readonly name: string
  readonly outputs: Readonly<Record<string, g.Value>>
  readonly feeds: Readonly<Record<string, Tensor>>
}
const cases: Case[] = []
/** Of values that are fed; what a rule makes of them is compared. */
function add(
  name: string,
  fed: readonly Tensor[],
  rule: (...values: g.Value[]) => g.Value | readonly g.Value[],
): void {
  const inputs = fed.map((t, i) => g.input(`x${i}`, t.dtype, t.shape.map((_, a) => (a === 0 && t.shape.length > 1 ? `n${i}` : t.shape[a]!)))) // prettier-ignore
  const results = [rule(...inputs)].flat() as readonly g.Value[]
  cases.push({
    name,
    outputs: Object.fromEntries(results.map((v, i) => [`y${i}`, v])),
    feeds: Object.fromEntries(fed.map((t, i) => [`x${i}`, t])),
  })
}
const op = (
  type: string,
  inputs: readonly (g.Value | undefined)[],
  attributes: g.Attributes = {},
) => g.apply(operators.get(type)!, inputs, attributes)
const c = (t: Tensor) => g.constant(t)

const x = f([2, 3, 5, 7])
for (const type of [
  'Neg',
  'Exp',
  'Tanh',
  'Sigmoid',
  'Relu',
  'Abs',
  'Sin',
  'Cos',
  'Floor',
  'HardSwish',
  'HardSigmoid',
  'Softplus',
  'Identity',
])
  // prettier-ignore
  add(type, [x], (v) => op(type, [v]))
add('Softplus far out', [floats('float32', [1, 5], [-90, -20, 0, 20, 90])], (v) => g.softplus(v))
for (const type of ['Log', 'Sqrt', 'Reciprocal'])
  add(type, [f([3, 4], 0.1, 9)], (v) => op(type, [v]))
for (const type of ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min']) {
  add(type, [f([2, 3, 4]), f([3, 1], 0.5, 2)], (a, b) => op(type, [a, b]))
  add(`${type} of whole numbers`, [longs([2, 3], [7, -7, 5, 9, 1, 0]), longs([3], [2, 3, -2])], (a, b) => op(type, [a, b])) // prettier-ignore
}
add('whole numbers beyond 32 bits on the way', [longs([2], [2 ** 31 - 1, 9])], (v) =>
  op('Sub', [op('Mul', [v, g.int64s([5])]), op('Mul', [v, g.int64s([4])])]),
)
for (const type of ['Equal', 'Less', 'Greater'])
  add(type, [floats('float32', [2, 2], [1, 2, 3, 4]), floats('float32', [2], [1, 4])], (a, b) => [g.cast(op(type, [a, b]), 'float32'), op(type, [a, b])]) // prettier-ignore
add('And, Where', [f([3, 4]), f([4])], (a, b) => g.where(op('And', [g.less(a, b), g.less(g.neg(b), a)]), a, b)) // prettier-ignore
add('Clip', [x], (v) => [g.clip(v, -1, 1), g.clip(v, undefined, 0.5), g.clip(v, 0, undefined)])
add('Cast', [f([3, 4], -9, 9), tensor('uint8', [2, 2], Uint8Array.of(0, 1, 128, 255)), longs([2], [-3, 4])], (a, b, i) => [g.cast(a, 'int64'), g.cast(b, 'float32'), g.cast(i, 'float32'), g.cast(g.abs(g.floor(a)), 'uint8'), g.cast(b, 'bool'), g.cast(g.cast(i, 'int32'), 'float32'), g.cast(g.cast(b, 'int64'), 'float32')]) // prettier-ignore
add('Shape, Gather, Range', [x], (v) => [g.range(g.sizeOfAxis(v, 3)), g.cast(g.range(g.sizeOfAxis(v, 2)), 'float32'), op('Shape', [v])]) // prettier-ignore
add('Gather', [f([4, 3, 2]), longs([2, 2], [0, -1, 3, 1])], (v, i) => [g.gather(v, i, 0), g.gather(v, g.int64s([2, 0]), 1), g.gather(v, g.scalar(1, 'int64'), 2)]) // prettier-ignore
add('Gather by what another operator found', [f([2, 6])], (v) => {
  const [, at] = g.topK(v, 2, 1)
  return g.gather(c(f([6, 3])), at, 0)
})
add('Reshape', [x], (v) => [g.reshape(v, [0, -1]), g.reshape(v, [-1, 7]), g.reshape(v, [6, 5, 7])])
add('Transpose', [x], (v) => [g.transpose(v, [0, 2, 3, 1]), op('Transpose', [v]), g.transpose(v, [3, 1, 0, 2])]) // prettier-ignore
add('Transpose of rank 6', [f([2, 2, 3, 2, 1, 2])], (v) => g.transpose(v, [0, 3, 5, 1, 4, 2]))
add('Concat, Split', [x, x], (a, b) => [g.concat([a, b], 1), ...g.split(a, [2, 4, 1], 3), ...g.split(g.add(a, b), [1, 2], 1)]) // prettier-ignore
add('Slice', [x], (v) => [
  g.slice(v, [1, 3], [1, -4], [3, 2 ** 31]),
  op('Slice', [v, g.int64s([1]), g.int64s([Number.MAX_SAFE_INTEGER]), g.int64s([2])]),
  g.sliceBetween(v, 3, g.int64s([2]), g.int64s([99])),
])
add('Pad', [x], (v) => [g.pad(v, [0, 0, 1, 2, 0, 1, 0, 3]), g.pad(v, [0, 0, 1, 2, 0, 0, 2, 3], 'reflect'), op('Pad', [v, g.int64s([0, 1, 0, 0, 0, 0, 0, 0]), g.scalar(2.5)])]) // prettier-ignore
add('Expand', [f([2, 1, 3])], (v) => [op('Expand', [v, g.int64s([4, 1, 5, 3])]), op('Expand', [v, g.int64s([1])])]) // prettier-ignore
for (const type of ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSumSquare'])
  for (const keepdims of [0, 1])
    add(`${type} ${keepdims}`, [x], (v) => [
      op(type, [v, g.int64s([-1, 1])], { keepdims: g.attribute.int(keepdims) }),
      op(type, [v, g.int64s([2, 3])], { keepdims: g.attribute.int(keepdims) }),
      op(type, [v], { keepdims: g.attribute.int(keepdims) }),
    ])
add('TopK', [floats('float32', [2, 5, 2], [3, 1, 3, 9, 2, 4, 7, 4, 0, 4, 1, 1, 5, 5, 5, 6, 2, 2, 8, 0])], (v) => [...g.topK(v, 2, 1), ...g.topK(v, 3, 1, { largest: false }), ...g.topK(v, 1, 2)]) // prettier-ignore
add('MatMul', [f([2, 3, 4]), f([4, 5]), f([2, 4, 2])], (a, b, d) => [g.matMul(a, b), g.matMul(a, d)]) // prettier-ignore
add('MatMul, broadcast', [f([3, 4]), f([2, 1, 4, 5]), f([3, 5, 2])], (a, b, d) => [g.matMul(a, b), g.matMul(b, d)]) // prettier-ignore
add('Gemm', [f([3, 4]), f([4, 5]), f([5]), f([3, 5])], (a, b, d, e) => [
  g.gemm(a, b, { c: d }),
  g.gemm(a, e, { transA: true, alpha: 0.5 }),
  g.gemm(b, a, { transA: true, transB: true, c: g.constant(f([5, 1])), beta: 2 }),
])
const image = f([2, 6, 9, 8])
add('Conv', [image], (v) => [
  g.conv(v, c(f([4, 6, 3, 3])), { bias: c(f([4])), pads: [1, 1, 1, 1] }),
  g.conv(v, c(f([8, 6, 3, 3])), { strides: [2, 2], pads: [0, 0, 1, 1] }),
  g.conv(v, c(f([5, 6, 1, 1])), { bias: c(f([5])) }),
  g.conv(v, c(f([6, 1, 3, 3])), { group: 6, pads: [1, 1, 1, 1], bias: c(f([6])) }),
  g.conv(v, c(f([12, 1, 5, 5])), { group: 6, strides: [2, 2], pads: [2, 2, 2, 2] }),
  g.conv(v, c(f([6, 1, 3, 3])), { group: 6, strides: [2, 1], pads: [1, 0, 1, 0] }),
  g.conv(v, c(f([9, 2, 3, 2])), { group: 3, strides: [1, 2], pads: [1, 0, 0, 1], bias: c(f([9])) }),
  g.conv(v, c(f([4, 6, 3, 3])), { dilations: [2, 2], pads: [2, 2, 2, 2] }),
])
for (const auto_pad of ['SAME_UPPER', 'SAME_LOWER', 'VALID'])
  add(`Conv ${auto_pad}`, [image], (v) => op('Conv', [v, c(f([3, 6, 4, 3]))], { auto_pad: g.attribute.string(auto_pad), strides: g.attribute.ints([2, 2]) })) // prettier-ignore
add('Conv with weights that are fed', [image, f([4, 6, 3, 3])], (v, w) => op('Conv', [v, w]))
add('images from convolution to convolution', [image], (v) => {
  const y = g.relu(g.conv(v, c(f([4, 6, 3, 3])), { bias: c(f([4])), pads: [1, 1, 1, 1] }))
  const each = g.mul(g.add(y, c(f([4, 1, 1]))), c(f([1, 4, 1, 1])))
  const gate = g.sigmoid(g.conv(g.globalAveragePool(each), c(f([4, 4, 1, 1]))))
  const gated = g.mul(each, gate)
  const joined = g.concat([gated, v, g.conv(v, c(f([2, 6, 1, 1])))], 1)
  const padded = g.pad(joined, [0, 0, 1, 0, 0, 0, 1, 2], 'reflect')
  return [
    g.transpose(padded, [0, 2, 3, 1]),
    g.transpose(g.conv(padded, c(f([3, 12, 3, 3]))), [1, 0, 3, 2]),
    g.reshape(gated, [0, -1]),
    g.reduceMean(gated, [2, 3]),
    g.reduceMean(gated, [2, 3], true),
    g.reduceSum(gated, [1]),
    g.slice(gated, [1, 2], [1, 2], [3, 7]),
    ...g.split(joined, [4, 8], 1),
    g.add(gated, c(f([9, 8]))),
    g.mul(gated, c(f([2, 4, 9, 8]))),
    g.where(g.less(gated, g.scalar(0.5)), gated, g.scalar(0)),
  ]
})
add('MaxPool', [image], (v) => [
  g.maxPool(g.sub(v, g.scalar(9)), [3, 3], [2, 2], [1, 1, 1, 1]),
  op('MaxPool', [v], { kernel_shape: g.attribute.ints([2, 2]), strides: g.attribute.ints([2, 2]), ceil_mode: g.attribute.int(1) }), // prettier-ignore
])
add('AveragePool', [image], (v) => [
  g.averagePool(v, 3),
  op('AveragePool', [v], { kernel_shape: g.attribute.ints([3, 2]), pads: g.attribute.ints([1, 0, 1, 1]), strides: g.attribute.ints([2, 2]) }), // prettier-ignore
])
add('GlobalAveragePool', [image], (v) => g.globalAveragePool(v))
add('Resize', [image], (v) => [
  g.resizeBilinear(v, 31, 17),
  g.resizeBilinear(v, 31, 17, 'half'),
  g.resizeBilinear(v, 4, 3, 'half'),
  g.resizeNearest(v, 2, 3),
  op('Resize', [v, undefined, undefined, g.int64s([2, 6, 5, 13])], { mode: g.attribute.string('nearest') }), // prettier-ignore
])
add('QuantizeLinear, DequantizeLinear', [x], (v) => {
  const q = g.quantize(v, { scale: 0.015, zero: 130 })
  const scales = floats('float32', [3], [0.1, 0.2, 0.3])
  const weights = tensor('int8', [3, 2], Int8Array.of(-128, 127, 3, -4, 5, 0))
  return [q, g.dequantize(q, { scale: 0.015, zero: 130 }), g.dequantizeConstant(weights, Float32Array.from(scales.data), 0, 'w')] // prettier-ignore
})

/** float16 constants, as detector files store weights. */
const halves = tensor('float16', [4], Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001))
add('weights stored as float16', [f([4])], (v) => g.mul(v, g.cast(g.constant(halves), 'float32')))

const onnxruntime = await openRuntime({ threads: 1 })
const expected = new Map<string, Readonly<Record<string, Tensor>>>()

it('every operator of the graph package has a kernel, or is written as others', () => {
  const tried = new Set(
    cases.flatMap(({ outputs }) => g.topologicalOrder(Object.values(outputs)).flatMap((n) => (n.kind === 'operator' ? n.operator.type : []))), // prettier-ignore
  )
  for (const type of operators.keys()) {
    if (without.includes(type)) continue
    expect(Object.keys(kernels), type).toContain(type)
    expect([...tried], type).toContain(type)
  }
})

for (const device of ['cpu', 'wasm', 'tensorflow']) {
  const opened = openRuntime({ device: `tfjs:${device}` })
  const missing =
    device === 'tensorflow' ? await opened.then(() => undefined, messageOf) : undefined
  it.for(cases)(`${device}: $name`, async (c, context) => {
    if (missing !== undefined) return context.skip(missing)
    const { name, outputs, feeds } = c
    const model = g.writeOnnx(outputs)
    if (!expected.has(name)) {
      const session = await onnxruntime.createSession(model)
      expected.set(name, await session.run(feeds).finally(() => session.release()))
    }
    const session = await (await opened).createSession(model)
    const got = await session.run(feeds).finally(() => session.release())
    for (const [key, { dtype, shape, data }] of Object.entries(expected.get(name)!)) {
      expect({ dtype: got[key]!.dtype, shape: got[key]!.shape }, key).toEqual({ dtype, shape })
      const [a, b] = [got[key]!.data, data].map((d) => Array.from(d as Float32Array, Number)) as [number[], number[]] // prettier-ignore
      b.forEach((v, i) => expect(Math.abs(a[i]! - v), `${key}[${i}]: ${a[i]} for ${v}`).toBeLessThanOrEqual(2e-5 * (1 + Math.abs(v)))) // prettier-ignore
    }
  })
}
