import { CflowError, floats, tensor } from '@cflow/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run, runBytes } from '../../test/run.js'
import * as g from '../../test/all.js'

const x = g.input('x', 'float32', ['N', 3])
const w = g.constant(floats('float32', [3, 2], [1, 2, 3, 4, 5, 6]), 'weight')

describe('writeOnnx', () => {
  it('keeps names of inputs, outputs and constants, symbolic axes and metadata', () => {
    const bytes = g.writeOnnx({ y: g.relu(g.matMul(x, w)) }, { metadata: { cflow: '{"a":1}' } })
    const model = g.readOnnx(bytes)
    expect(Object.keys(model.inputs)).toEqual(['x'])
    expect(model.inputs['x']!.shape).toEqual(['N', 3])
    expect(model.outputs['y']!.shape).toEqual(['N', 2])
    expect(model.values.has('weight')).toBe(true)
    expect(model.metadata).toEqual({ cflow: '{"a":1}' })
    expect(g.readMetadata(bytes)).toEqual({ cflow: '{"a":1}' })
  })

  it('gives the same bytes for the same graph, also after reading it back', () => {
    const build = () => g.writeOnnx({ y: g.softplus(g.add(g.matMul(x, w), g.scalar(2))) })
    expect(build()).toEqual(build())
    expect(g.writeOnnx(g.readOnnx(build()).outputs)).toEqual(build())
  })

  it('serves outputs that are inputs, constants, or named twice', async () => {
    const y = g.exp(x)
    const got = await run(
      { a: x, b: g.scalar(3), c: y, d: y },
      { x: floats('float32', [1, 3], [0, 0, 0]) },
    )
    expect(got['a']!.data).toEqual([0, 0, 0])
    expect(got['b']!.data).toEqual([3])
    expect(got['c']!.data).toEqual([1, 1, 1])
    expect(got['d']!.data).toEqual([1, 1, 1])
  })

  it('keeps constants apart that are equal but for sign of zero or type', async () => {
    const one = g.scalar(1)
    const got = await run({
      a: g.div(one, g.constant(floats('float32', [], [-0]))),
      b: g.div(one, g.constant(floats('float32', [], [0]))),
    })
    expect(got['a']!.data).toEqual([-Infinity])
    expect(got['b']!.data).toEqual([Infinity])
  })

  it('shares an unnamed small constant and stores a large one once', () => {
    const big = g.constant(floats('float32', [1000], new Float32Array(1000)))
    const bytes = g.writeOnnx({ y: g.add(g.mul(big, g.scalar(2)), g.mul(big, g.scalar(2))) })
    expect(bytes.length).toBeLessThan(6000)
  })

  it('keeps its own names apart from those of inputs', async () => {
    const c = g.input('c', 'float32', [1])
    const v0 = g.input('v0', 'float32', [1])
    const feeds = { c: floats('float32', [1], [2]), v0: floats('float32', [1], [3]) }
    const got = await run({ y: g.exp(g.sub(g.mul(c, g.scalar(3)), g.add(v0, v0))) }, feeds)
    expect(got['y']!.data).toEqual([1])
  })

  it('names the nodes of inner values when asked to, the first of several copies', () => {
    const inner = g.exp(x)
    const labels = { middle: inner }
    const labelsOf = (outputs: Readonly<Record<string, g.Value>>) =>
      g.topologicalOrder(Object.values(outputs)).flatMap((n) => (n.kind === 'operator' && n.label) || []) // prettier-ignore
    const { outputs, inputs } = g.readOnnx(g.writeOnnx({ y: g.relu(inner) }, { labels }))
    expect(labelsOf(outputs)).toEqual(['middle'])
    const [named] = (outputs['y']!.node as g.OperatorNode).inputs
    const copy = g.withInputs(named!.node as g.OperatorNode, [g.relu(inputs['x']!)])[0]!
    const twice = g.readOnnx(g.writeOnnx({ z: g.add(named!, copy) }))
    expect(labelsOf(twice.outputs)).toEqual(['middle'])
  })

  it('refuses two inputs of one name', () => {
    const other = g.input('x', 'float32', ['N', 3])
    expect(() => g.writeOnnx({ y: g.add(x, other) })).toThrow(/two graph inputs are called x/)
  })
})

describe('writeScan', () => {
  const total = g.input('total', 'float32', [2])
  const step = g.input('step', 'float32', [2])
  const round = { next: g.add(g.scale(total, 2), step), seen: g.reduceSum(total, [0]) }
  const feeds = {
    total: floats('float32', [2], [1, 0]),
    step: floats('float32', [3, 2], [1, 10, 2, 20, 3, 30]),
  }

  it('carries the state through the rounds, and gathers what each round gives', async () => {
    const bytes = g.writeScan(round, { next: 'total' })
    // 2·1 + 1 = 3, 2·3 + 2 = 8, 2·8 + 3 = 19; 10, 40, 110
    const expected = {
      next: { shape: [2], data: [19, 110] },
      seen: { shape: [3], data: [1, 13, 48] },
    }
    expect(await runBytes(bytes, feeds)).toEqual(expected)
    const one = { ...feeds, step: floats('float32', [1, 2], [1, 10]) }
    expect((await runBytes(bytes, one))['next']).toEqual({ shape: [2], data: [3, 10] })
    // the inner graph is kept as it is by reading and writing
    expect(await run(g.readOnnx(bytes).outputs, feeds)).toEqual(expected)
  })

  it.each([
    ['an output that is not there', { last: 'total' }],
    ['an input that is not there', { next: 'sum' }],
    ['an output of another shape', { seen: 'total' }],
  ])('refuses to carry %s', (_, state: Record<string, string>) => {
    expect(() => g.writeScan(round, state)).toThrow(/cannot be carried/)
  })
})

describe('readOnnx', () => {
  it('joins two graphs', async () => {
    const first = g.readOnnx(g.writeOnnx({ y: g.matMul(x, w) })).outputs['y']!
    const bytes = g.writeOnnx({ z: g.exp(g.input('q', 'float32', ['N', 2])) })
    const second = g.readOnnx(bytes, { q: first }).outputs['z']!
    const got = await run({ z: second }, { x: floats('float32', [1, 3], [1, 0, 0]) })
    expect(got['z']!.data[1]).toBeCloseTo(Math.exp(2), 5)
  })

  it('keeps operators it does not know, and differentiates around them', async () => {
    const erf: g.Operator = {
      type: 'Erf',
      infer: ([v]) => [{ dtype: v!.dtype, shape: v!.shape }],
    }
    const bytes = g.writeOnnx({ y: g.exp(g.apply(erf, [x])) })
    const again = g.readOnnx(bytes)
    expect(g.writeOnnx(again.outputs)).toHaveLength(bytes.length)
    const got = await runBytes(g.writeOnnx(again.outputs), {
      x: floats('float32', [1, 3], [0, 0, 0]),
    })
    expect(got['y']!.data).toEqual([1, 1, 1])
  })

  it('writes and reads every element type', () => {
    const all = [
      tensor('float32', [2], Float32Array.of(1.5, -0)),
      tensor('float64', [1], Float64Array.of(Math.PI)),
      tensor('int64', [2], BigInt64Array.of(-1n, 2n ** 40n)),
      tensor('int32', [1], Int32Array.of(-7)),
      tensor('int8', [2], Int8Array.of(-128, 127)),
      tensor('uint8', [1], Uint8Array.of(255)),
      tensor('bool', [2], Uint8Array.of(0, 1)),
      tensor('float16', [1], Uint16Array.of(0x3c00)),
    ]
    const model = g.readOnnx(
      g.writeOnnx(Object.fromEntries(all.map((t) => [t.dtype, g.constant(t, `c_${t.dtype}`)]))),
    )
    for (const t of all) expect(g.constantOf(model.values.get(`c_${t.dtype}`), t.dtype)).toEqual(t)
  })

  it('reads a Node Buffer like any other bytes', () => {
    const bytes = g.writeOnnx({ y: g.matMul(x, w) })
    const again = g.readOnnx(Buffer.from(bytes)).values.get('weight')
    expect(g.constantOf(again, 'weight')).toEqual(g.constantOf(w, 'weight'))
  })

  it('answers damage with a clear error only', () => {
    const bytes = g.writeOnnx({ y: g.matMul(x, w) })
    for (const junk of [new Uint8Array(0), new TextEncoder().encode('{"not": "onnx"}')])
      expect(() => g.readOnnx(junk)).toThrow(CflowError)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = bytes.slice(0, at % 3 === 0 ? at : bytes.length)
        if (at < copy.length) copy[at]! ^= flip
        try {
          g.readOnnx(copy)
        } catch (error) {
          expect(error).toBeInstanceOf(CflowError)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('shape rules', () => {
  it('name what does not fit', () => {
    const a = g.input('a', 'float32', [2, 3])
    expect(() => g.matMul(a, a)).toThrow(/3 columns meet 2 rows/)
    expect(() => g.add(a, g.input('b', 'float32', [2, 4]))).toThrow(/broadcast/)
    expect(() => g.add(a, g.input('b', 'float64', [3]))).toThrow(/types differ/)
    expect(() => g.reshape(a, [4, -1])).toThrow(/reshape/)
    expect(() => g.split(a, [1, 1], 1)).toThrow(/split/)
    expect(() => g.reduceSum(a, [2])).toThrow(/out of range/)
    expect(() =>
      g.conv(
        g.input('i', 'float32', ['N', 3, 8, 8]),
        g.constant(floats('float32', [1, 2, 1, 1], [1, 1])),
      ),
    ).toThrow(/convolution/)
  })

  it('agree with what the runtime computes', async () => {
    const image = g.input('i', 'float32', [1, 2, 9, 7])
    const kernel = g.constant(floats('float32', [4, 1, 3, 3], new Float32Array(36)))
    const outputs = {
      conv: g.conv(image, kernel, { group: 2, strides: [2, 2], pads: [0, 1, 1, 1] }),
      pool: g.maxPool(image, [3, 3], [2, 2], [1, 1, 1, 1]),
      reflect: g.pad(image, [0, 0, 1, 2, 0, 0, 1, 2], 'reflect'),
      up: g.resizeBilinear(image, 20, 21),
      nearest: g.resizeNearest(image, 2, 3),
      global: g.globalAveragePool(image),
      slice: g.slice(image, [2, 3], [1, -3], [-1, 100]),
      gather: g.gather(image, g.int64s([1, 0, 1]), 1),
    }
    const got = await run(outputs, { i: floats('float32', [1, 2, 9, 7], new Float32Array(126)) })
    for (const [name, v] of Object.entries(outputs)) expect(got[name]!.shape, name).toEqual(v.shape)
  })

  it('agree with what the runtime computes, with automatic padding and rounding up', async () => {
    const image = g.input('i', 'float32', [1, 2, 9, 8])
    const kernel = g.constant(floats('float32', [4, 2, 3, 3], new Float32Array(72)))
    const [conv, pool] = [g.operators.get('Conv')!, g.operators.get('MaxPool')!]
    const ints = g.attribute.ints
    const strides = ints([2, 2])
    const outputs: Record<string, g.Value> = {
      same: g.apply(conv, [image, kernel], { strides, auto_pad: g.attribute.string('SAME_UPPER') }),
      valid: g.apply(conv, [image, kernel], { strides, auto_pad: g.attribute.string('VALID') }),
      up: g.apply(pool, [image], {
        kernel_shape: ints([3, 3]),
        strides,
        ceil_mode: g.attribute.int(1),
      }),
    }
    const got = await run(outputs, { i: floats('float32', [1, 2, 9, 8], new Float32Array(144)) })
    for (const name of ['same', 'valid'])
      expect(got[name]!.shape, name).toEqual(outputs[name]!.shape)
    expect(outputs['up']!.shape).toEqual([1, 2, 4, null])
  })

  it('upsample to exactly the size that is asked for', async () => {
    const outputs: Record<string, g.Value> = {}
    const feeds: Record<string, ReturnType<typeof floats>> = {}
    for (let n = 1; n <= 40; n++) {
      feeds[`i${n}`] = floats('float32', [1, 1, n, 1], new Float32Array(n))
      const image = g.input(`i${n}`, 'float32', [1, 1, n, 1])
      for (const to of [31 * n, 31 * n + 1, 32 * n - 3, 100 + n, 250])
        outputs[`${n} to ${to}`] = g.resizeBilinear(image, to, 33)
    }
    const got = await run(outputs, feeds)
    for (const [name, v] of Object.entries(outputs)) {
      expect(got[name]!.shape, name).toEqual([1, 1, Number(name.split(' ').at(-1)), 33])
      expect(v.shape, name).toEqual(got[name]!.shape)
    }
  })
})

it('reads a file that lies anywhere in a Node Buffer', () => {
  const v = g.input('x', 'float32', [3])
  const bytes = g.writeOnnx({ y: g.add(v, g.constant(floats('float32', [3], [1, 2, 3]), 'c')) })
  for (let offset = 0; offset < 4; offset++) {
    const buffer = Buffer.concat([Buffer.alloc(offset), bytes]).subarray(offset)
    const c = g.readOnnx(buffer).values.get('c')!
    expect(c.node.kind === 'constant' && Array.from(c.node.tensor.data as Float32Array)).toEqual([
      1, 2, 3,
    ])
  }
})
