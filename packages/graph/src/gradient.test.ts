import { Random, floats, sizeOf, tensor, type Tensor } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { run } from '../test/run.js'
import * as g from '../test/all.js'
import { operators } from './operators/registry.js'
import type { Value } from './value.js'

type Build = (...inputs: Value[]) => Value

interface Case {
  /** Operators whose gradient rule the case is for. */
  readonly covers: string
  readonly shapes: readonly (readonly number[])[]
  readonly build: Build
  readonly low?: number
  readonly high?: number
}

const index = (values: number[]) => g.int64s(values)
const condition = g.constant(tensor('bool', [2, 3], Uint8Array.of(1, 0, 1, 0, 0, 1)))

const cases: readonly Case[] = [
  { covers: 'Add', shapes: [[2, 3], [3]], build: (a, b) => g.add(a!, b!) },
  {
    covers: 'Sub',
    shapes: [
      [2, 1],
      [2, 3],
    ],
    build: (a, b) => g.sub(a!, b!),
  },
  {
    covers: 'Mul',
    shapes: [
      [4, 2, 3],
      [2, 1],
    ],
    build: (a, b) => g.mul(a!, b!),
  },
  {
    covers: 'Div',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    build: (a, b) => g.div(a!, b!),
    low: 0.5,
    high: 2,
  },
  { covers: 'Max', shapes: [[5], [5]], build: (a, b) => g.max(a!, b!) },
  { covers: 'Min', shapes: [[5], [1]], build: (a, b) => g.min(a!, b!) },
  { covers: 'Neg', shapes: [[4]], build: (a) => g.neg(a!) },
  { covers: 'Exp', shapes: [[4]], build: (a) => g.exp(a!) },
  { covers: 'Log', shapes: [[4]], build: (a) => g.log(a!), low: 0.5, high: 3 },
  { covers: 'Sqrt', shapes: [[4]], build: (a) => g.sqrt(a!), low: 0.5, high: 3 },
  { covers: 'Reciprocal', shapes: [[4]], build: (a) => g.reciprocal(a!), low: 0.5, high: 3 },
  { covers: 'Tanh', shapes: [[4]], build: (a) => g.tanh(a!) },
  { covers: 'Sigmoid', shapes: [[4]], build: (a) => g.sigmoid(a!) },
  { covers: 'Relu', shapes: [[12]], build: (a) => g.relu(a!) },
  { covers: 'Abs', shapes: [[12]], build: (a) => g.abs(a!) },
  { covers: 'Sin', shapes: [[4]], build: (a) => g.sin(a!) },
  { covers: 'Cos', shapes: [[4]], build: (a) => g.cos(a!) },
  { covers: 'Softplus', shapes: [[4]], build: (a) => g.softplus(a!), low: -30, high: 30 },
  { covers: 'Clip', shapes: [[12]], build: (a) => g.clip(a!, -0.5, 0.5) },
  {
    covers: 'MatMul',
    shapes: [
      [2, 3],
      [3, 4],
    ],
    build: (a, b) => g.matMul(a!, b!),
  },
  {
    covers: 'MatMul',
    shapes: [
      [5, 2, 3],
      [3, 4],
    ],
    build: (a, b) => g.matMul(a!, b!),
  },
  {
    covers: 'MatMul',
    shapes: [
      [5, 2, 3],
      [5, 3, 4],
    ],
    build: (a, b) => g.matMul(a!, b!),
  },
  {
    covers: 'MatMul',
    shapes: [
      [3, 2],
      [5, 2, 4],
    ],
    build: (a, b) => g.matMul(a!, b!),
  },
  ...[false, true].flatMap((transA) =>
    [false, true].map((transB) => ({
      covers: 'Gemm',
      shapes: [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], [4]],
      build: (a?: Value, b?: Value, c?: Value) =>
        g.gemm(a!, b!, { c: c!, transA, transB, alpha: 0.75, beta: 0.5 }),
    })),
  ),
  {
    covers: 'Gemm',
    shapes: [[2, 3], [3, 4], [4]],
    build: (a, b, c) => g.gemm(a!, b!, { c: c!, alpha: 0.1, beta: 0.3 }),
  },
  { covers: 'Identity', shapes: [[3]], build: (a) => g.identity(a!) },
  { covers: 'Reshape', shapes: [[2, 6]], build: (a) => g.reshape(a!, [3, -1]) },
  { covers: 'Transpose', shapes: [[2, 3, 4]], build: (a) => g.transpose(a!, [2, 0, 1]) },
  {
    covers: 'Concat',
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: (a, b) => g.concat([a!, b!], 1),
  },
  {
    covers: 'Split',
    shapes: [[2, 5]],
    build: (a) => {
      const [x, , y] = g.split(a!, [2, 1, 2], 1)
      return g.mul(x!, g.exp(y!))
    },
  },
  { covers: 'Slice', shapes: [[4, 5]], build: (a) => g.slice(a!, [1], [1], [-1]) },
  { covers: 'Pad', shapes: [[2, 3]], build: (a) => g.pad(a!, [1, 0, 0, 2]) },
  { covers: 'Gather', shapes: [[2, 3]], build: (a) => g.gather(a!, index([2, 0, 1]), 1) },
  { covers: 'Gather', shapes: [[4, 3]], build: (a) => g.gather(a!, index([1, 1, 3]), 0) },
  { covers: 'Gather', shapes: [[2, 4]], build: (a) => g.gather(a!, index([3, 3, 0, 1, 1]), 1) },
  { covers: 'Expand', shapes: [[2, 1]], build: (a) => g.exp(g.expand(a!, [3, 2, 4])) },
  { covers: 'Cast', shapes: [[3]], build: (a) => g.cast(g.exp(a!), 'float64') },
  { covers: 'Where', shapes: [[2, 3], [3]], build: (a, b) => g.where(condition, a!, b!) },
  { covers: 'ReduceSum', shapes: [[2, 3, 4]], build: (a) => g.reduceSum(g.exp(a!), [0, 2]) },
  { covers: 'ReduceSum', shapes: [[2, 3]], build: (a) => g.reduceSum(g.exp(a!), [1], true) },
  { covers: 'ReduceMean', shapes: [[2, 3, 4]], build: (a) => g.reduceMean(g.exp(a!), [1]) },
  { covers: 'ReduceSumSquare', shapes: [[2, 3]], build: (a) => g.reduceSumSquare(a!, [1]) },
]

/** Σ wᵢ·yᵢ with fixed weights, so that every output element counts differently. */
function weighted(y: Value): Value {
  const shape = g.staticShape(y)
  const random = Random.seeded(3)
  const w = floats(
    'float64',
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => random.normal()),
  )
  return g.reduceSum(
    g.mul(y, g.constant(w)),
    shape.map((_, i) => i),
  )
}

async function check(c: Case): Promise<void> {
  const random = Random.seeded(11)
  const inputs = c.shapes.map((shape, i) => g.input(`x${i}`, 'float64', shape))
  const point = c.shapes.map((shape) =>
    Float64Array.from({ length: sizeOf(shape) }, () =>
      random.uniform(c.low ?? -1.5, c.high ?? 1.5),
    ),
  )
  const feeds = (values: readonly Float64Array[]): Record<string, Tensor> =>
    Object.fromEntries(values.map((v, i) => [`x${i}`, floats('float64', c.shapes[i]!, v)]))
  const y = weighted(c.build(...inputs))
  const grads = g.gradients(y, inputs)
  const exact = await run(Object.fromEntries(grads.map((d, i) => [`d${i}`, d])), feeds(point))
  const value = async (values: readonly Float64Array[]) =>
    (await run({ y }, feeds(values)))['y']!.data[0]!
  const h = 1e-6
  for (const [i, x] of point.entries()) {
    expect(exact[`d${i}`]!.shape).toEqual(c.shapes[i])
    for (let j = 0; j < x.length; j++) {
      const moved = (delta: number) => {
        const copy = point.map((v) => v.slice())
        copy[i]![j] = x[j]! + delta
        return value(copy)
      }
      const numeric = ((await moved(h)) - (await moved(-h))) / (2 * h)
      expect(Math.abs(exact[`d${i}`]!.data[j]! - numeric)).toBeLessThan(
        1e-7 * (1 + Math.abs(numeric)),
      )
    }
  }
}

describe('gradient = finite difference in float64', () => {
  for (const [i, c] of cases.entries())
    it(`${c.covers} ${JSON.stringify(c.shapes)} (${i})`, () => check(c))

  it('covers every operator that has a gradient rule', () => {
    const covered = new Set(cases.map((c) => c.covers))
    const missing = [...operators.values()].filter((o) => o.gradient && !covered.has(o.type))
    expect(missing.map((o) => o.type)).toEqual([])
  })
})

it('adds up the gradients of a value used more than once', async () => {
  const x = g.input('x', 'float64', [3])
  const y = g.reduceSum(g.mul(g.mul(x, x), x), [0])
  const [d] = g.gradients(y, [x])
  const { d: got } = await run({ d: d! }, { x: floats('float64', [3], [1, 2, 3]) })
  expect(got!.data).toEqual([3, 12, 27])
})

it('gives second derivatives: a gradient is a graph again', async () => {
  const x = g.input('x', 'float64', [2])
  const [d] = g.gradients(g.reduceSum(g.exp(g.mul(x, x)), [0]), [x])
  const [dd] = g.gradients(g.reduceSum(d!, [0]), [x])
  const { dd: got } = await run({ dd: dd! }, { x: floats('float64', [2], [0.5, -1]) })
  const expected = [0.5, -1].map((v) => (2 + 4 * v * v) * Math.exp(v * v))
  got!.data.forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 12))
})

it('gives zeros for what the result does not depend on', async () => {
  const x = g.input('x', 'float64', [2])
  const p = g.input('p', 'float64', [2, 2])
  const [, d] = g.gradients(g.reduceSum(x, [0]), [x, p])
  const { d: got } = await run({ d: d! }, {})
  expect(got!.data).toEqual([0, 0, 0, 0])
})

it('names the operator that cannot be differentiated', () => {
  const x = g.input('x', 'float32', [1, 1, 4, 4])
  const y = g.reduceSum(g.globalAveragePool(x), [0, 1, 2, 3])
  expect(() => g.gradients(y, [x])).toThrow(/GlobalAveragePool/)
  expect(() => g.gradients(x, [x])).toThrow(/scalar/)
})
