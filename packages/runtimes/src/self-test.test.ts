import { floats, type Tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import { expect, it } from 'vitest'
import { openRuntime } from './index.node.js'
import type { Runtime, Tensors } from './runtime.js'
import { general, questioned, questionsOf, selfTest } from './self-test.js'

const cpu = await openRuntime({ threads: 1 })

/** The CPU as a device that makes something else of the numbers of some models. */
const faulty = (change: (y: Tensor, model: Uint8Array) => Tensor): Runtime => ({
  ...cpu,
  name: 'some GPU',
  async createSession(model, options) {
    const session = await cpu.createSession(model, options)
    return {
      ...session,
      run: async (feeds, outputs): Promise<Tensors> => {
        const results = await session.run(feeds, outputs)
        return Object.fromEntries(
          Object.entries(results).map(([name, y]) => [name, change(y, model)]),
        )
      },
    }
  },
})
const times = (factor: number) => (y: Tensor) =>
  floats(
    'float32',
    y.shape,
    Float32Array.from(y.data as Float32Array, (v) => v * factor),
  )

const weights = (...shape: number[]) =>
  g.constant(floats('float32', shape, new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(0.1)))
const chain = (...layers: ((x: g.Value) => g.Value)[]) =>
  g.writeOnnx({ y: layers.reduce((x, f) => f(x), g.input('x', 'float32', [1, 3, 16, 16]) as g.Value) }) // prettier-ignore

const transposed: g.Operator = {
  type: 'ConvTranspose',
  infer: ([x]) => [{ dtype: x!.dtype, shape: [1, 5, null, null] }],
}
const model = chain(
  (x) => g.conv(x, weights(12, 3, 3, 3)),
  (x) => g.conv(x, weights(6, 12, 1, 1)),
  (x) => g.conv(x, weights(6, 2, 3, 3), { group: 3, strides: [2, 2], pads: [1, 0, 0, 1] }),
  (x) => g.conv(x, weights(8, 6, 3, 3), { dilations: [2, 2], pads: [2, 2, 2, 2] }),
  (x) => g.conv(x, weights(8, 8, 1, 1)),
)
const half = chain(
  (x) => g.conv(x, weights(6, 3, 3, 3)),
  (x) => g.cast(x, 'float16'),
  (x) =>
    g.apply(transposed, [x, g.cast(weights(6, 5, 3, 2), 'float16')], {
      strides: g.attribute.ints([2, 1]),
      pads: g.attribute.ints([1, 0, 0, 1]),
    }),
  (x) => g.cast(x, 'float32'),
)

it('asks about what a model holds: the first wide convolution, odd channels, float16 transposed', () => {
  const asked = questionsOf(model).map((q) => q.what)
  expect(asked).toHaveLength(2)
  expect(asked[0]).toMatch(/convolution of 12 channels \(1×1, 6 outputs\)/)
  expect(asked[1]).toMatch(/convolution of 6 channels \(3×3, 8 outputs\)/)
  expect(questionsOf(half).map((q) => q.what)).toEqual([
    expect.stringMatching(/float16 transposed convolution of 6 channels \(3×2, 5 outputs\)/),
  ])
  expect(questionsOf(chain((x) => g.conv(x, weights(16, 3, 3, 3))))).toEqual([])
  expect(questionsOf(new TextEncoder().encode('not a model'))).toEqual([])
})

it('a device that computes rightly passes: the answers are those of onnxruntime', async () => {
  const groups = chain((x) => g.conv(g.conv(x, weights(6, 3, 1, 1)), weights(4, 3, 3, 3), { group: 2 })) // prettier-ignore
  const all = [...general(), ...questionsOf(model), ...questionsOf(half), ...questionsOf(groups)]
  expect(all).toHaveLength(7)
  await selfTest(cpu, 'cpu', all)
  for (const device of ['cpu', 'wasm'])
    await selfTest(await openRuntime({ device: `tfjs:${device}` }), device, [...general(), ...questionsOf(model)]) // prettier-ignore
})

it('a device that gives other numbers is refused, with the figure', async () => {
  const refused = (runtime: Runtime, bytes: Uint8Array, message: RegExp) =>
    expect(questioned(runtime, 'gpu').createSession(bytes)).rejects.toMatchObject({
      name: 'CflowError',
      code: 'RUNTIME',
      subject: 'gpu',
      message: expect.stringMatching(message) as string,
      hint: expect.stringContaining('another device') as string,
    })
  await refused(faulty(times(1.01)), model, /some GPU computes a matrix product wrongly: -?[\d.]+ where -?[\d.]+ is right/) // prettier-ignore
  await refused(faulty(times(NaN)), model, /NaN where/)
  const one = (y: Tensor) => floats('float32', y.shape, Float32Array.from(y.data as Float32Array, (v, i) => (i === 1 ? NaN : v))) // prettier-ignore
  await refused(faulty(one), model, /NaN where/)
  // one that is wrong where a convolution has six channels only, as onnxruntime's WebGPU was
  const odd = faulty((y, bytes) =>
    g
      .topologicalOrder(Object.values(g.readOnnx(bytes).outputs))
      .some((n) => n.kind === 'operator' && n.operator.type === 'Conv' && n.inputs[1]!.shape[1] === 6) // prettier-ignore
      ? times(0.5)(y)
      : y,
  )
  await refused(odd, model, /convolution of 6 channels .* wrongly: -?[\d.]+ where/)
  const wide = chain((x) => g.conv(g.conv(x, weights(16, 3, 3, 3)), weights(8, 16, 1, 1)))
  const session = await questioned(odd, 'gpu').createSession(wide)
  expect(session.outputs).toEqual(['y'])
  await session.release()
  const failing: Runtime = { ...cpu, createSession: () => Promise.reject(new Error('device lost')) }
  await refused(failing, model, /device lost/)
})

it('rounding to ten bits is no fault', async () => {
  const rounded = faulty(
    (y) =>
    floats('float32', y.shape, Float32Array.from(y.data as Float32Array, (v) => Number(v.toPrecision(4)))), // prettier-ignore
  )
  const session = await questioned(rounded, 'gpu').createSession(model)
  await session.release()
})

it('bytes that are no model are that, on such a device too', async () => {
  await expect(questioned(cpu, 'gpu').createSession(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'MODEL' }) // prettier-ignore
})
