import { floats, tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { openRuntime } from '../index.node.js'
import { openRuntime as openInPage } from '../index.browser.js'
import { tfjs } from './index.js'

const random = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(7 * i))
const vector = (...values: number[]) => floats('float32', [values.length], values)

/** Something of everything: state, constants that are folded, images, indices, parts that nothing needs. */
function everything() {
  const image = g.input('image', 'uint8', ['N', 6, 5, 3])
  const total = g.input('total', 'float32', [3])
  const planes = g.transpose(g.cast(image, 'float32'), [0, 3, 1, 2])
  const folded = g.exp(g.constant(floats('float32', [4, 3, 3, 3], random(108))))
  const y = g.relu(g.conv(planes, folded, { pads: [1, 1, 1, 1] }))
  const pooled = g.resizeBilinear(g.concat([y, g.globalAveragePool(y)].map((v) => g.reduceMean(v, [2, 3], true)), 1), 2, 2) // prettier-ignore
  const [values, at] = g.topK(g.reshape(y, [-1, 4]), 2, 1)
  const picked = g.gather(g.constant(vector(1, 2, 3, 4)), at, 0)
  const [, unused] = g.split(y, [1, 3], 1)
  return {
    next: g.add(total, g.reduceMean(planes, [0, 2, 3])),
    pooled,
    chosen: g.mul(values, picked),
    rest: g.reduceSum(unused!, [0, 1, 2, 3]),
  }
}
const images = (n: number, seed: number) =>
  tensor(
    'uint8',
    [n, 6, 5, 3],
    Uint8Array.from({ length: n * 90 }, (_, i) => (i * seed) % 251),
  )

describe.each(['cpu', 'wasm'])('TensorFlow.js on %s', (device) => {
  const open = () => openRuntime({ device: `tfjs:${device}` })

  it('keeps no tensor after a run, a failed one, or a session', async () => {
    const runtime = await open()
    const before = tf.memory()
    const session = await runtime.createSession(g.writeOnnx(everything()), { state: { next: 'total' } }) // prettier-ignore
    session.setState({ total: vector(0, 0, 0) })
    await session.run({ image: images(2, 3) })
    const { numTensors, numDataBuffers } = tf.memory()
    for (let i = 0; i < 400; i++) {
      const few = i % 3 === 0 ? ['rest'] : undefined
      await session.run({ image: images(1 + (i % 3), i) }, few)
      if (i % 50 === 0)
        await expect(session.run({ image: vector(1) })).rejects.toMatchObject({ code: 'RUNTIME' })
      // a prepared form of a constant may be made in a later run, once
      expect(tf.memory().numTensors).toBe(numTensors)
    }
    expect(tf.memory().numDataBuffers).toBe(numDataBuffers)
    session.setState({ total: vector(1, 1, 1) })
    await session.release()
    expect(tf.memory().numTensors).toBe(before.numTensors)
  })

  it('keeps no tensor over ten thousand runs', async () => {
    const x = g.input('x', 'float32', [2])
    const total = g.input('total', 'float32', [2])
    const graph = { next: g.add(total, x), y: g.reshape(g.mul(g.exp(x), g.sub(total, x)), [2, 1]) }
    const session = await (await open()).createSession(g.writeOnnx(graph), { state: { next: 'total' } }) // prettier-ignore
    session.setState({ total: vector(0, 0) })
    await session.run({ x: vector(1, 2) })
    const { numTensors } = tf.memory()
    for (let i = 1; i < 10_000; i++) await session.run({ x: vector(1, 2) }, ['y'])
    expect(tf.memory().numTensors).toBe(numTensors)
    expect(Array.from((await session.getState())['total']!.data as Float32Array)).toEqual([10_000, 20_000]) // prettier-ignore
    await session.release()
  })

  it('repeats a graph round after round, and keeps nothing when a round fails', async () => {
    const [total, x] = [g.input('total', 'float32', [2]), g.input('x', 'float32', [2])]
    const at = g.input('at', 'int64', [2])
    const next = g.add(g.mul(total, g.scalar(2)), g.gather(x, at, 0))
    const model = g.writeScan({ next, seen: g.sub(total, x) }, { next: 'total' })
    const runtime = await open()
    const before = tf.memory().numTensors
    const session = await runtime.createSession(model, { state: { next: 'total' } })
    session.setState({ total: vector(1, 2) })
    const rounds = (values: bigint[]) => ({
      x: floats('float32', [values.length / 2, 2], random(values.length).fill(3)),
      at: tensor('int64', [values.length / 2, 2], BigInt64Array.from(values)),
    })
    const got = await session.run(rounds([0n, 1n, 1n, 0n, 1n, 1n]))
    expect(got['seen']).toEqual(floats('float32', [3, 2], [-2, -1, 2, 4, 10, 14]))
    const { numTensors } = tf.memory()
    await expect(session.run(rounds([0n, 1n, 2n, 0n]))).rejects.toMatchObject({ code: 'RUNTIME' })
    expect(tf.memory().numTensors).toBe(numTensors)
    expect((await session.getState())['total']).toEqual(vector(29, 37))
    await session.release()
    expect(tf.memory().numTensors).toBe(before)
  })

  it('names what it cannot compute when a file is loaded, and keeps nothing of it', async () => {
    const runtime = await open()
    const before = tf.memory().numTensors
    const x = g.input('x', 'float32', [1, 2, 3, 3])
    const kept = (type: string, domain?: string): g.Operator => ({
      type,
      ...(domain !== undefined && { domain, version: 1 }),
      infer: () => [{ dtype: 'float32', shape: [1, 2, 3, 3] }],
    })
    const refused = (value: g.Value, message: RegExp) =>
      expect(runtime.createSession(g.writeOnnx({ y: value }))).rejects.toMatchObject({
        name: 'CflowError',
        code: 'MODEL',
        message: expect.stringMatching(message) as string,
      })
    await refused(g.apply(kept('LSTMish'), [x]), /no LSTMish/)
    await refused(g.apply(kept('toString'), [x]), /no toString/)
    await refused(g.apply(kept('Relu', 'com.example'), [x]), /no com\.example\.Relu/)
    await refused(g.relu(g.apply(kept('Einsum'), [g.apply(kept('Erf'), [x])])), /no Erf, Einsum/)
    const cubic = { mode: g.attribute.string('cubic') }
    await refused(g.apply(kept('Resize'), [x, undefined, g.constant(vector(1, 1, 2, 2))], cubic), /Resize with mode cubic/) // prettier-ignore
    await refused(g.apply(kept('Pad'), [x, g.int64s([0, 0, 1, 1, 0, 0, 1, 1])], { mode: g.attribute.string('edge') }), /Pad with mode edge/) // prettier-ignore
    await refused(g.cast(g.cast(x, 'float64'), 'float32'), /Cast to float64/)
    await refused(g.add(g.constant(floats('float64', [1], [1])), g.input('d', 'float64', [1])), /float64/) // prettier-ignore
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses whole numbers that 32 bits do not hold, and takes them where only sizes are meant', async () => {
    const i = g.input('i', 'int64', [2])
    const session = await (await open()).createSession(g.writeOnnx({ y: g.reshape(g.gather(g.constant(vector(1, 2, 3)), i, 0), [2]), far: g.concat([i, g.reshape(i, [2])], 0), up: g.mul(g.transpose(g.reshape(i, [1, 2]), [1, 0]), g.scalar(1, 'int64')) })) // prettier-ignore
    const feed = (...values: bigint[]) => ({ i: tensor('int64', [2], BigInt64Array.from(values)) })
    expect((await session.run(feed(2n, -3n), ['y']))['y']).toEqual(vector(3, 1))
    for (const n of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 40n])
      await expect(session.run(feed(n, 0n), ['up'])).rejects.toMatchObject({
        code: 'RUNTIME',
        subject: String(n),
        message: expect.stringContaining('32 bits') as string,
      })
    expect((await session.run(feed(2n ** 31n - 1n, 0n), ['up']))['up']!.data).toEqual(BigInt64Array.of(2n ** 31n - 1n, 0n)) // prettier-ignore
    await expect(session.run(feed(9n, 0n), ['y'])).rejects.toMatchObject({ code: 'RUNTIME', message: expect.stringMatching(/Gather.*index 9/) as string }) // prettier-ignore
    await session.release()
  })
})

it('two backends take turns, each session on its own', async () => {
  const [x, w] = [g.input('x', 'float32', [8, 8]), g.constant(floats('float32', [8, 8], random(64)))] // prettier-ignore
  const model = g.writeOnnx({ y: g.matMul(g.matMul(x, w), w) })
  const runtimes = await Promise.all(
    ['cpu', 'wasm'].map((d) => openRuntime({ device: `tfjs:${d}` })),
  )
  const sessions = await Promise.all(runtimes.map((r) => r.createSession(model)))
  const feeds = { x: floats('float32', [8, 8], random(64)) }
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => sessions[i % 2]!.run(feeds)))
  const [first] = all
  for (const { y } of all)
    y!.data.forEach((v, i) => expect(v).toBeCloseTo(Number(first!['y']!.data[i]), 4))
  for (const session of sessions) await session.release()
})

it('is asked for by an import in pages, and by its name in Node', async () => {
  const runtime = await openInPage({ driver: tfjs, device: 'cpu' })
  expect(runtime.name).toBe('tfjs (cpu)')
  expect((await openInPage({ driver: tfjs, device: 'tfjs:wasm' })).name).toBe('tfjs (wasm)')
  expect((await openRuntime({ device: 'tfjs' })).name).toMatch(/^tfjs \((tensorflow|wasm)\)$/)
  await expect(openInPage({ driver: 'tfjs' })).rejects.toMatchObject({ code: 'RUNTIME' })
  await expect(openRuntime({ device: 'tfjs:abacus' })).rejects.toMatchObject({
    code: 'RUNTIME',
    subject: 'abacus',
    hint: expect.stringContaining('tensorflow, webgpu, webgl, wasm, cpu') as string,
  })
  for (const device of ['webgl', 'webgpu'])
    await expect(openRuntime({ device: `tfjs:${device}` })).rejects.toMatchObject({
      code: 'RUNTIME',
      subject: device,
      hint: expect.stringContaining('tfjs:wasm') as string,
    })
})

it('leaves the process’s errors alone', async () => {
  expect((await openRuntime({ device: 'tfjs:wasm' })).name).toBe('tfjs (wasm)')
  const texts = [process.listeners('uncaughtException'), process.listeners('unhandledRejection')].flat().map(String) // prettier-ignore
  expect(texts.filter((text) => /ExitStatus|throw reason/.test(text))).toEqual([])
})
