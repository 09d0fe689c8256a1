import { CflowError, Random, floats, sizeOf, type Tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runEncoder } from '../../test/golden.js'
import { cnn, run, vit } from '../../test/onnx-models.js'
import {
  onnxEncoder,
  onnxInputSize,
  onnxTaps,
  selectTaps,
  type OnnxEncoderOptions,
} from '../index.js'
import { layoutOf } from './layout.js'

const pixels = (n: number, size: number): Tensor<'float32'> => {
  const random = Random.seeded(3)
  const shape = [n, 3, size, size]
  return floats(
    'float32',
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)),
  )
}

const encoder = (bytes: Uint8Array, options: Partial<OnnxEncoderOptions> = {}) =>
  onnxEncoder(bytes, { name: 'm.onnx', taps: ['s4'], inputSize: 64, run, ...options })

const none = new Map()

describe('a CNN', () => {
  const { bytes } = cnn()

  it('gives the values that the model has, finest first, for any number of images', async () => {
    const spec = await encoder(bytes, { taps: ['s16', 's4', 's8'], digest: 'd' })
    expect(spec.taps).toEqual([
      { name: 's4', channels: 6, stride: 4 },
      { name: 's8', channels: 10, stride: 8 },
      { name: 's16', channels: 12, stride: 16 },
    ])
    expect(spec).toMatchObject({ name: 'm.onnx', digest: 'd', mean: [0.485, 0.456, 0.406] })
    expect(spec.batch).toBeUndefined()
    const image = pixels(2, 64)
    const maps = await runEncoder(spec, none, image)
    const [expected = {}] = await run(bytes, { pixels: image })
    for (const [i, { name }] of spec.taps.entries()) {
      expect(maps[i]!.shape).toEqual(expected[name]!.shape)
      const worst = maps[i]!.data.reduce(
        (n, x, j) => Math.max(n, Math.abs(x - (expected[name]!.data[j] as number))),
        0,
      )
      expect(worst).toBeLessThan(1e-5)
    }
    const coarse = selectTaps(spec, 1)
    expect(coarse.taps.map((t) => t.name)).toEqual(['s16'])
    expect((await runEncoder(coarse, none, image)).map((m) => m.shape)).toEqual([[2, 12, 4, 4]])
  })

  it('takes sizes that its strides do not divide', async () => {
    const spec = await encoder(bytes, { taps: ['s4', 's16'], inputSize: 50 })
    expect(spec.taps.map((t) => t.stride)).toEqual([50 / 13, 50 / 4])
  })

  it('with channels last, as from TensorFlow', async () => {
    const image = g.input('in', 'float32', ['n', 32, 32, 3])
    const planes = g.transpose(image, [0, 3, 1, 2])
    const weight = g.constant(
      floats(
        'float32',
        [5, 3, 2, 2],
        new Float32Array(60).map((_, i) => i),
      ),
    )
    const map = g.conv(planes, weight, { strides: [2, 2] })
    const last = g.writeOnnx({ map: g.transpose(map, [0, 2, 3, 1]) })
    expect(onnxInputSize(last)).toBe(32)
    const spec = await encoder(last, { taps: ['map'], inputSize: 32 })
    expect(spec.taps).toEqual([{ name: 'map', channels: 5, stride: 2 }])
    const [found] = await runEncoder(spec, none, pixels(1, 32))
    const first = g.writeOnnx({
      map: g.conv(g.input('in', 'float32', ['n', 3, 32, 32]), weight, { strides: [2, 2] }),
    })
    const [expected = {}] = await run(first, { in: pixels(1, 32) })
    expect(Buffer.compare(bytesOf(found!), bytesOf(expected['map']!))).toBe(0)
  })

  it('in half precision inside', async () => {
    const image = g.input('in', 'float32', ['n', 3, 32, 32])
    const weight = g.constant(floats('float32', [4, 3, 2, 2], new Float32Array(48).fill(0.25)))
    const half = g.cast(g.conv(image, weight, { strides: [2, 2] }), 'float16')
    const spec = await encoder(g.writeOnnx({ half }), { taps: ['half'], inputSize: 32 })
    const [map] = await runEncoder(spec, none, pixels(1, 32))
    expect([map!.dtype, map!.shape]).toEqual(['float32', [1, 4, 16, 16]])
  })

  it('with a batch of one in the file works for several where the graph does', async () => {
    expect((await encoder(cnn([1, 3, 64, 64]).bytes)).batch).toBeUndefined()
  })
})

const bytesOf = ({ data }: Tensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

describe('a vision transformer', () => {
  it.each([
    { prefix: 0, options: {} },
    { prefix: 1, options: {} },
    { prefix: 5, options: { prefixTokens: 5 } },
  ])('gives its $prefix-prefixed tokens as maps', async ({ prefix, options }) => {
    const { bytes } = vit(64, prefix)
    const spec = await encoder(bytes, { taps: ['block0', 'block1'], ...options })
    expect(spec.taps).toEqual(
      ['block0', 'block1'].map((name) => ({ name, channels: 8, stride: 16 })),
    )
    const image = pixels(2, 64)
    const maps = await runEncoder(spec, none, image)
    const expected = (await run(bytes, { x: image }))[0]!['block1']!
    expect(expected.shape).toEqual([2, prefix + 16, 8])
    const at = (n: number, c: number, y: number, x: number) =>
      expected.data[(n * (prefix + 16) + prefix + 4 * y + x) * 8 + c] as number
    maps[1]!.data.forEach((v, i) => {
      const [n, c, y, x] = [i >> 7, (i >> 4) & 7, (i >> 2) & 3, i & 3]
      expect(Math.abs(v - at(n, c, y, x))).toBeLessThan(1e-5)
    })
  })

  it('that holds a batch of one says so', async () => {
    const spec = await encoder(vit(64, 1, 1).bytes, { taps: ['block1'] })
    expect(spec.batch).toBe(1)
    expect((await runEncoder(spec, none, pixels(1, 64)))[0]!.shape).toEqual([1, 8, 4, 4])
  })

  it('asks for the number of registers where the tokens are no square', async () => {
    const failed = encoder(vit(64, 5).bytes, { taps: ['block0'] })
    await expect(failed).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('21 tokens') as string,
      hint: expect.stringContaining('--prefix-tokens') as string,
    })
  })

  it('takes its own size only', async () => {
    const { bytes } = vit(64, 1)
    expect(onnxInputSize(bytes)).toBe(64)
    await expect(encoder(bytes, { taps: ['block0'], inputSize: 96 })).rejects.toMatchObject({
      code: 'CONFIG',
      hint: expect.stringContaining('--input-size 64') as string,
    })
  })
})

describe('layoutOf', () => {
  it('finds the grid of any square number of tokens, with and without a class token', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 80 }),
        fc.integer({ min: 0, max: 1 }),
        (side, prefix) => {
          const expected = { kind: 'tokens', channels: 7, height: side, width: side, prefix }
          expect(layoutOf('t', [1, side * side + prefix, 7])).toEqual(expected)
          expect(layoutOf('t', [1, side * side + prefix, 7], { prefixTokens: prefix })).toEqual(
            expected,
          )
        },
      ),
    )
  })

  it.each([[[1, 8]], [[1, 3, 4, 5]], [[1, 3, 4, 4, 4]], [[1, 7, 3]]])('refuses %j', (shape) => {
    expect(() => layoutOf('t', shape)).toThrow(CflowError)
  })
})

describe('onnxTaps', () => {
  it('lists the outputs of the blocks with what they give', async () => {
    const found = await onnxTaps(cnn().bytes, { inputSize: 64, run })
    const named = found.filter((t) => /^s\d/.test(t.name))
    expect(named).toMatchObject([
      { name: 's4', channels: 6, height: 16, width: 16, kind: 'maps' },
      { name: 's8', channels: 10, height: 8 },
      { name: 's16', channels: 12, height: 4 },
    ])
    const tokens = await onnxTaps(vit(64, 1).bytes, { inputSize: 64, run })
    expect(tokens).toContainEqual(
      expect.objectContaining({ name: 'block0', kind: 'tokens', channels: 8, height: 4 }),
    )
  })
})

describe('what is no encoder', () => {
  const refuses = async (
    bytes: Uint8Array,
    options: Partial<OnnxEncoderOptions>,
    code: string,
    message: RegExp,
    hint = /./,
  ) => {
    await expect(encoder(bytes, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    })
  }
  const { bytes } = cnn()
  const x = g.input('x', 'float32', ['n', 3, 64, 64])

  it('a tap that does not exist: those that do are listed, similar ones first', async () => {
    await refuses(
      bytes,
      { taps: ['layer/s8'] },
      'NOT_FOUND',
      /no value called layer\/s8/,
      /^it has s8, /,
    )
    await refuses(bytes, { taps: ['pixels'] }, 'NOT_FOUND', /no value called pixels/, /s4.*s8.*s16/)
    let deep: g.Value = x
    for (let i = 0; i < 300; i++) deep = g.relu(deep)
    const many = encoder(g.writeOnnx({ deep }), { taps: ['no'] })
    const hint = await many.catch((e: CflowError) => e.hint)
    expect(hint).toMatch(/300 in all/)
    expect(String(hint).split(',').length).toBeLessThanOrEqual(12)
  })

  it('no taps, too many, or one twice', async () => {
    for (const taps of [[], ['a', 'b', 'c', 'd'], ['s4', 's4']])
      await refuses(bytes, { taps }, 'USAGE', /one to three different taps/, /--taps a,b,c/)
  })

  it('files that are no ONNX models, or take something else', async () => {
    await expect(encoder(new TextEncoder().encode('hello'))).rejects.toMatchObject({
      code: 'MODEL',
    })
    const one = (input: g.Value) => g.writeOnnx({ y: g.neg(input) })
    await refuses(one(g.input('t', 'int64', ['n', 77])), {}, 'MODEL', /t is int64/, /float32/)
    await refuses(
      one(g.input('t', 'float32', ['n', 1, 64, 64])),
      {},
      'MODEL',
      /\[n, 1, 64, 64\], no image/,
    )
    await refuses(one(g.input('t', 'float32', ['n', 3, 64, 96])), {}, 'MODEL', /96×64 pixels only/)
    await expect(
      encoder(g.writeOnnx({ y: g.add(x, g.input('mask', 'float32', ['n', 3, 64, 64])) })),
    ).rejects.toThrow(/takes 2 inputs \(x, mask\)/)
  })

  it('taps that are no maps', async () => {
    const pooled = g.writeOnnx({
      y: g.reshape(g.globalAveragePool(x), [-1, 3]),
      i: g.cast(x, 'int64'),
    })
    await refuses(pooled, { taps: ['y'] }, 'MODEL', /y is \[1, 3\], neither/)
    await expect(encoder(pooled, { taps: ['i'] })).rejects.toThrow(/i holds int64/)
  })

  it('a model that does not run at the size', async () => {
    const odd = g.reshape(x, [-1, 3, 7, 7])
    const wild = g.writeOnnx({ y: g.relu(g.assumeShape(odd, ['n', 3, 7, 7])) })
    await refuses(
      wild,
      { taps: ['y'] },
      'MODEL',
      /does not run on an image of 64 pixels/,
      /--input-size/,
    )
  })

  it('control flow', async () => {
    const branch: g.Operator = {
      type: 'If',
      infer: () => [{ dtype: 'float32', shape: g.unknownRank }],
    }
    const bad = g.writeOnnx({ y: g.apply(branch, [x]) })
    await refuses(bad, { taps: ['y'] }, 'MODEL', /control flow \(If/, /onnxsim/)
  })
})
