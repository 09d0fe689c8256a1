import { floats, tensor, type Tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import type { Runtime, Session } from './runtime.js'

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

/** A test of one session: of these outputs, or of a model file. */
const test = (
  name: string,
  graph: Readonly<Record<string, g.Value>> | Uint8Array,
  use: (session: Session) => Promise<void>,
  state: Readonly<Record<string, string>> = {},
): ContractTest => ({
  name,
  async run(runtime) {
    const model = graph instanceof Uint8Array ? graph : g.writeOnnx(graph)
    const session = await runtime.createSession(model, { state })
    try {
      await use(session)
    } finally {
      await session.release()
    }
  },
})

const numbers = (t: Tensor | undefined) =>
  Array.from<number | bigint, number>(t?.data ?? [], Number)
const vector = (...values: number[]) => floats('float32', [values.length], values)

const [x1, x2] = [g.input('x', 'float32', [1]), g.input('x', 'float32', [2])]
const pairs = g.input('x', 'float32', ['N', 2])
const bytes = g.input('image', 'uint8', ['N', 2])
const integers = g.input('i', 'int64', [2])
const [total, totals] = [g.input('total', 'float32', [1]), g.input('total', 'float32', [2])]
const doubling = { next: g.add(g.mul(total, g.scalar(2)), x1), seen: g.add(total, x1) }
const summing = g.add(totals, x2)
const carried = { next: 'total' }
/** More parts than a shader may write. */
const many = Array.from({ length: 20 }, (_, i) => i + 1)
const parts = g.split(g.input('x', 'float32', [210]), many, 0)
const totalOf = async (session: Session) => numbers((await session.getState())['total'])

const rounds = test(
  'carries state through the rounds of a run, where that is said to be worth while',
  g.writeScan(doubling, carried),
  async (session) => {
    session.setState({ total: vector(0) })
    const got = await session.run({ x: floats('float32', [2, 1], [1, 2]) })
    equal(got['seen']?.shape, [2, 1], 'shape of what every round gives')
    equal(numbers(got['seen']), [1, 3], 'what every round gives')
    await session.run({ x: floats('float32', [1, 1], [3]) })
    equal(await totalOf(session), [11], 'state')
  },
  carried,
)

/**
 * What every driver of `Runtime` must do, free of any test framework, so that the same suite runs in Node and in
 * browsers: `for (const t of contract) it(t.name, async () => t.run(await runtime()))`.
 */
export const contract: readonly ContractTest[] = [
  test(
    'runs a graph and gives its outputs by name',
    { double: g.add(pairs, pairs), sum: g.reduceSum(pairs, [1]) },
    async (session) => {
      equal(session.inputs, ['x'], 'inputs')
      equal([...session.outputs].sort(), ['double', 'sum'], 'outputs')
      const got = await session.run({ x: floats('float32', [2, 2], [1, 2, 3, 4]) })
      equal(numbers(got['double']), [2, 4, 6, 8], 'double')
      equal(got['sum']?.shape, [2], 'shape of sum')
      equal(numbers(got['sum']), [3, 7], 'sum')
    },
  ),
  test(
    'takes another batch size each run, and gives arrays that stay as they are',
    { y: g.exp(g.input('x', 'float32', ['N', 1])) },
    async (session) => {
      const kept: Tensor[] = []
      for (const n of [1, 3, 2]) {
        const { y } = await session.run({ x: floats('float32', [n, 1], new Float32Array(n)) })
        equal(y?.shape, [n, 1], 'shape')
        kept.push(y as Tensor)
      }
      await session.run({ x: floats('float32', [3, 1], [1, 1, 1]) })
      equal(kept.map(numbers), [[1], [1, 1, 1], [1, 1]], 'values')
    },
  ),
  test('gives only the outputs asked for', { a: g.exp(x1), b: g.neg(x1) }, async (session) => {
    equal(Object.keys(await session.run({ x: vector(2) }, ['b'])), ['b'], 'names')
    await fails(session.run({ x: vector(2) }, ['c']), 'SHAPE')
  }),
  test(
    'carries state from run to run',
    { next: summing, norm: g.reduceSum(g.abs(summing), [0]) },
    async (session) => {
      equal(session.inputs, ['x'], 'inputs')
      equal(session.outputs, ['norm'], 'outputs')
      await fails(session.run({ x: vector(1, 1) }), 'SHAPE')
      session.setState({ total: vector(10, 20) })
      for (let i = 1; i <= 5; i++) {
        const got = await session.run({ x: vector(1, 2) })
        equal(numbers(got['norm']), [30 + 3 * i], `norm after ${i} runs`)
        if (i === 3) equal(await totalOf(session), [13, 26], 'state in between')
      }
      const state = await session.getState()
      equal(numbers(state['total']), [15, 30], 'state at the end')
      session.setState({ total: vector(0, 0) })
      await session.run({ x: vector(1, 2) })
      equal(await totalOf(session), [1, 2], 'state after a reset')
      equal(numbers(state['total']), [15, 30], 'the copy taken before')
    },
    carried,
  ),
  { ...rounds, run: async (runtime) => (runtime.scans ? rounds.run(runtime) : undefined) },
  test(
    'runs one after the other when called at once, and sets and reads state in the order of the calls',
    doubling,
    async (session) => {
      session.setState({ total: vector(0) })
      const run = (v: number) => session.run({ x: vector(v) })
      const runs = [1, 2, 3].map(run)
      const before = totalOf(session)
      session.setState({ total: vector(10) })
      runs.push(run(5))
      equal(await totalOf(session), [25], 'state at the end')
      equal(await before, [11], 'state before it was set')
      const seen = (await Promise.all(runs)).map((got) => numbers(got['seen'])[0])
      equal(seen, [1, 3, 7, 15], 'what the runs saw')
    },
    carried,
  ),
  test(
    'takes and gives integers and bytes',
    { f: g.cast(bytes, 'float32'), j: g.gather(integers, g.int64s([1, 0]), 0) },
    async (session) => {
      const got = await session.run({
        image: tensor('uint8', [1, 2], Uint8Array.of(255, 7)),
        i: tensor('int64', [2], BigInt64Array.of(5n, -6n)),
      })
      equal(numbers(got['f']), [255, 7], 'bytes')
      equal(numbers(got['j']), [-6, 5], 'integers')
      equal(got['j']?.dtype, 'int64', 'type')
    },
  ),
  test(
    'cuts a tensor into many parts and joins them',
    { y: g.concat(parts.map((part, i) => g.mul(part, g.scalar(i))).reverse(), 0) },
    async (session) => {
      const { y } = await session.run({ x: vector(...many.flatMap((n) => new Array<number>(n).fill(n))) }) // prettier-ignore
      const expected = many.toReversed().flatMap((n) => new Array<number>(n).fill(n * (n - 1)))
      equal(numbers(y), expected, 'parts')
    },
  ),
  test('names a feed that is missing or does not fit', { y: g.exp(x2) }, async (session) => {
    await fails(session.run({}), 'SHAPE')
    await fails(session.run({ x: vector(1, 2, 3) }), 'RUNTIME')
  }),
  {
    name: 'refuses bytes that are no model',
    run: (runtime) =>
      fails(runtime.createSession(new TextEncoder().encode('not a model')), 'MODEL'),
  },
]
