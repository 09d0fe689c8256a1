import { floats, tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import type { Runtime } from './runtime.js'

/** One behaviour that every driver must have. */
export interface ContractTest {
  readonly name: string
  run(runtime: Runtime): Promise<void>
}

function equal(actual: unknown, expected: unknown, what: string): void {
  const text = (v: unknown) =>
    JSON.stringify(v, (_, x: unknown) => (typeof x === 'bigint' ? Number(x) : x))
  if (text(actual) !== text(expected))
    throw new Error(`${what}: expected ${text(expected)}, got ${text(actual)}`)
}

async function fails(promise: Promise<unknown>, code: string): Promise<void> {
  try {
    await promise
  } catch (error) {
    equal((error as { code?: string }).code, code, `code of the error (${String(error)})`)
    return
  }
  throw new Error(`expected an error ${code}`)
}

const numbers = (data: ArrayLike<number | bigint> | undefined) => Array.from(data ?? [], Number)

/**
 * What every driver of `Runtime` must do, free of any test framework, so that the same suite runs in Node and in
 * browsers: `for (const t of contract) it(t.name, async () => t.run(await runtime()))`.
 */
export const contract: readonly ContractTest[] = [
  {
    name: 'runs a graph and gives its outputs by name',
    async run(runtime) {
      const x = g.input('x', 'float32', ['N', 2])
      const session = await runtime.createSession(
        g.writeOnnx({ double: g.add(x, x), sum: g.reduceSum(x, [1]) }),
      )
      equal([...session.inputs], ['x'], 'inputs')
      equal([...session.outputs].sort(), ['double', 'sum'], 'outputs')
      const got = await session.run({ x: floats('float32', [2, 2], [1, 2, 3, 4]) })
      equal(numbers(got['double']?.data), [2, 4, 6, 8], 'double')
      equal(got['sum']?.shape, [2], 'shape of sum')
      equal(numbers(got['sum']?.data), [3, 7], 'sum')
      await session.release()
    },
  },
  {
    name: 'takes another batch size each run',
    async run(runtime) {
      const x = g.input('x', 'float32', ['N', 1])
      const session = await runtime.createSession(g.writeOnnx({ y: g.exp(x) }))
      for (const n of [1, 3, 2]) {
        const got = await session.run({ x: floats('float32', [n, 1], new Float32Array(n)) })
        equal(got['y']?.shape, [n, 1], 'shape')
        equal(
          numbers(got['y']?.data),
          Array.from({ length: n }, () => 1),
          'values',
        )
      }
      await session.release()
    },
  },
  {
    name: 'gives only the outputs asked for',
    async run(runtime) {
      const x = g.input('x', 'float32', [1])
      const session = await runtime.createSession(g.writeOnnx({ a: g.exp(x), b: g.neg(x) }))
      const got = await session.run({ x: floats('float32', [1], [2]) }, ['b'])
      equal(Object.keys(got), ['b'], 'names')
      await fails(session.run({ x: floats('float32', [1], [2]) }, ['c']), 'SHAPE')
      await session.release()
    },
  },
  {
    name: 'carries state from run to run',
    async run(runtime) {
      const total = g.input('total', 'float32', [2])
      const x = g.input('x', 'float32', [2])
      const next = g.add(total, x)
      const session = await runtime.createSession(
        g.writeOnnx({ next, norm: g.reduceSum(g.abs(next), [0]) }),
        { state: { next: 'total' } },
      )
      equal([...session.inputs], ['x'], 'inputs')
      equal([...session.outputs], ['norm'], 'outputs')
      await fails(session.run({ x: floats('float32', [2], [1, 1]) }), 'SHAPE')
      session.setState({ total: floats('float32', [2], [10, 20]) })
      for (let i = 1; i <= 5; i++) {
        const got = await session.run({ x: floats('float32', [2], [1, 2]) })
        equal(numbers(got['norm']?.data), [30 + 3 * i], `norm after ${i} runs`)
        if (i === 3)
          equal(numbers((await session.getState())['total']?.data), [13, 26], 'state in between')
      }
      const state = await session.getState()
      equal(numbers(state['total']?.data), [15, 30], 'state at the end')
      session.setState({ total: floats('float32', [2], [0, 0]) })
      await session.run({ x: floats('float32', [2], [1, 2]) })
      equal(numbers((await session.getState())['total']?.data), [1, 2], 'state after a reset')
      equal(numbers(state['total']?.data), [15, 30], 'the copy taken before')
      await session.release()
    },
  },
  {
    name: 'carries state through the rounds of a run, where that is said to be worth while',
    async run(runtime) {
      if (!runtime.scans) return
      const total = g.input('total', 'float32', [1])
      const x = g.input('x', 'float32', [1])
      const state = { next: 'total' }
      const session = await runtime.createSession(
        g.writeScan({ next: g.add(g.mul(total, g.scalar(2)), x), seen: g.add(total, x) }, state),
        { state },
      )
      session.setState({ total: floats('float32', [1], [0]) })
      const got = await session.run({ x: floats('float32', [2, 1], [1, 2]) })
      equal(got['seen']?.shape, [2, 1], 'shape of what every round gives')
      equal(numbers(got['seen']?.data), [1, 3], 'what every round gives')
      await session.run({ x: floats('float32', [1, 1], [3]) })
      equal(numbers((await session.getState())['total']?.data), [11], 'state')
      await session.release()
    },
  },
  {
    name: 'runs one after the other when called at once',
    async run(runtime) {
      const total = g.input('total', 'float32', [1])
      const x = g.input('x', 'float32', [1])
      const session = await runtime.createSession(
        g.writeOnnx({ next: g.add(g.mul(total, g.scalar(2)), x), seen: g.add(total, x) }),
        { state: { next: 'total' } },
      )
      session.setState({ total: floats('float32', [1], [0]) })
      await Promise.all([1, 2, 3].map((v) => session.run({ x: floats('float32', [1], [v]) })))
      equal(numbers((await session.getState())['total']?.data), [11], 'state')
      await session.release()
    },
  },
  {
    name: 'takes and gives integers and bytes',
    async run(runtime) {
      const image = g.input('image', 'uint8', ['N', 2])
      const i = g.input('i', 'int64', [2])
      const session = await runtime.createSession(
        g.writeOnnx({
          f: g.cast(image, 'float32'),
          j: g.gather(i, g.int64s([1, 0]), 0),
        }),
      )
      const got = await session.run({
        image: tensor('uint8', [1, 2], Uint8Array.of(255, 7)),
        i: tensor('int64', [2], BigInt64Array.of(5n, -6n)),
      })
      equal(numbers(got['f']?.data), [255, 7], 'bytes')
      equal(numbers(got['j']?.data), [-6, 5], 'integers')
      equal(got['j']?.dtype, 'int64', 'type')
      await session.release()
    },
  },
  {
    name: 'names a feed that is missing or does not fit',
    async run(runtime) {
      const x = g.input('x', 'float32', [2])
      const session = await runtime.createSession(g.writeOnnx({ y: g.exp(x) }))
      await fails(session.run({}), 'SHAPE')
      await fails(session.run({ x: floats('float32', [3], [1, 2, 3]) }), 'RUNTIME')
      await session.release()
    },
  },
  {
    name: 'refuses bytes that are no model',
    async run(runtime) {
      await fails(runtime.createSession(new TextEncoder().encode('not a model')), 'MODEL')
    },
  },
]
