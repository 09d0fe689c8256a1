import { CflowError, Random, floats, sizeOf, tensor } from '@cflow/base'
import * as g from '@cflow/graph'
import { describe, expect, it } from 'vitest'
import { cnn, run, vit } from '../../test/onnx-models.js'
import { onnxEncoder, onnxTaps } from '../index.js'

const random = Random.seeded(5, 'trial')
const numbers = (shape: readonly number[], low = -0.5, high = 0.5): g.Value =>
  g.constant(floats('float32', shape, Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high)))) // prettier-ignore

/** Operators of the standard set that are kept as they are. */
const all = (
  type: string,
  inputs: readonly (g.Value | undefined)[],
  attributes: g.Attributes = {},
  outputs = 1,
): readonly g.Value[] => {
  const first = g.apply(
    {
      type,
      infer: () =>
        Array.from({ length: outputs }, () => ({
          dtype: 'float32' as const,
          shape: g.unknownRank,
        })),
    },
    inputs,
    attributes,
  )
  return first.node.kind === 'operator' ? first.node.outputs : []
}
const kept = (...args: Parameters<typeof all>): g.Value => all(...args)[0] as g.Value

const size = 32
const image = g.input('x', 'float32', ['n', 3, size, size])
const conv = g.conv(image, numbers([6, 3, 4, 4]), { strides: [4, 4] }) // [n, 6, 8, 8]
const { int, float, ints } = g.attribute

const encoder = (tap: g.Value, options: { readonly prefixTokens?: number } = {}) =>
  onnxEncoder(g.writeOnnx({ tap, conv }), { name: 'm', taps: ['tap'], inputSize: size, run, ...options }) // prettier-ignore
const listed = (tap: g.Value) => onnxTaps(g.writeOnnx({ tap, conv }), { inputSize: size, run })

const perChannel = () => [numbers([6]), numbers([6]), numbers([6]), numbers([6], 0.5, 2)]
const truth = (value: boolean) => g.constant(tensor('bool', [], Uint8Array.of(value ? 1 : 0)))
const batchNorm = (attributes: g.Attributes, outputs: number) =>
  all('BatchNormalization', [conv, ...perChannel()], attributes, outputs)[0] as g.Value

describe('graphs that are no functions of one image', () => {
  const bad: Record<string, readonly [tap: g.Value, message: RegExp]> = {
    'batch norm in training mode': [
      batchNorm({ training_mode: int(1) }, 3),
      /BatchNormalization tap normalises/,
    ],
    'normal noise': [
      g.add(conv, kept('RandomNormalLike', [conv], { scale: float(0.001) })),
      /random: RandomNormalLike/,
    ],
    'uniform noise with a seed': [
      g.mul(conv, kept('RandomUniform', [], { shape: ints([6, 8, 8]), seed: float(3) })),
      /random: RandomUniform/,
    ],
    coins: [g.mul(conv, kept('Bernoulli', [g.sigmoid(conv)])), /random: Bernoulli/],
    'dropout left on': [
      kept('Dropout', [conv, g.scalar(0.3), truth(true)]),
      /Dropout tap drops at random/,
    ],
    'dropout left on by a value that is no constant': [
      kept('Dropout', [conv, g.scalar(0.3), kept('Not', [kept('IsNaN', [g.reduceMax(conv, [0, 1, 2, 3], false)])])]), // prettier-ignore
      /random: Dropout tap gives other numbers/,
    ],
    'the mean of the batch': [
      g.tanh(g.sub(conv, g.reduceMean(g.relu(conv), [0]))),
      /together with others: ReduceMean .* mixes/,
    ],
    'attention between images': [
      kept('Softmax', [conv], { axis: int(0) }),
      /Softmax tap mixes the images/,
    ],
  }

  it.each(Object.entries(bad))('%s', async (_, [tap, message]) => {
    await expect(encoder(tap)).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(/model\.eval\(\)/) as string,
    })
    const names = (await listed(tap)).map((t) => t.name)
    expect(names).toContain('conv')
    expect(names).not.toContain('tap')
  })

  it('batch norm in training mode as it was said before set 14', async () => {
    const bytes = g.writeOnnx({ tap: batchNorm({}, 5), conv })
    const text = Buffer.from(bytes)
    const at = text.lastIndexOf(Buffer.from([0x10, 18])) // the version of the operator set
    text[at + 1] = 13
    await expect(
      onnxEncoder(new Uint8Array(text), { name: 'm', taps: ['tap'], inputSize: size, run }),
    ).rejects.toThrow(/BatchNormalization tap normalises/)
  })

  it('but dropout and batch norm that are off are taken', async () => {
    for (const tap of [
      batchNorm({}, 1),
      kept('Dropout', [conv, g.scalar(0.3), truth(false)]),
      kept('Dropout', [conv, g.scalar(0), truth(true)]),
      kept('Dropout', [conv]),
    ])
      expect((await encoder(tap)).batch).toBeUndefined()
  })

  it('and what is quantised by the range of the batch runs one by one', async () => {
    const [y, scale, zero] = all('DynamicQuantizeLinear', [conv], {}, 3)
    expect((await encoder(kept('DequantizeLinear', [y, scale, zero]))).batch).toBe(1)
  })
})

describe('weights that are none', () => {
  it('NaN is named', async () => {
    const data = new Float32Array(6).fill(1)
    data[4] = NaN
    const bias = g.constant(floats('float32', [6], data), 'stem.bias')
    const tap = g.conv(image, numbers([6, 3, 4, 4]), { strides: [4, 4], bias })
    await expect(encoder(tap)).rejects.toMatchObject({
      ...{ code: 'MODEL', subject: 'stem.bias' },
      message: expect.stringMatching(/stem\.bias holds NaN/) as string,
    })
  })

  it('a negative variance is named', async () => {
    const variance = g.constant(floats('float32', [6], [1, 1, -0.1, 1, 1, 1]), 'bn.running_var')
    const [scale, bias, mean] = perChannel()
    const tap = kept('BatchNormalization', [conv, scale, bias, mean, variance])
    await expect(encoder(tap)).rejects.toThrow(/variance bn\.running_var of BatchNormalization tap is negative/) // prettier-ignore
  })

  it('the operator that first gives no number is', async () => {
    const tap = g.tanh(kept('Log', [g.neg(g.square(conv))]))
    await expect(encoder(tap)).rejects.toThrow(/tap is not finite: Log .* gives NaN/)
  })

  it('one NaN that others are compared with is none of them', async () => {
    const nan = g.constant(floats('float32', [], [NaN]))
    const tap = g.where(g.less(conv, nan), conv, g.relu(conv))
    expect((await encoder(tap)).taps[0]!.channels).toBe(6)
  })
})

describe('taps whose shape does not say how they lie', () => {
  const cube = g.conv(image, numbers([8, 3, 4, 4]), { strides: [4, 4] }) // [n, 8, 8, 8]
  const last = g.transpose(cube, [0, 2, 3, 1])

  it.each([
    ['first', cube],
    ['last', last],
    ['last, through operators of each position', kept('LayerNormalization', [last, numbers([8], 1, 2)])], // prettier-ignore
  ])('channels %s', async (where, tap) => {
    const spec = await encoder(tap)
    const of = (v: g.Value) => g.writeOnnx({ v })
    const found = spec.build(g.input('x', 'float32', ['n', 3, size, size]), new Map())[0]!
    const feeds = { x: tensor('float32', [1, 3, size, size], Float32Array.from({ length: 3 * size ** 2 }, () => random.uniform(-1, 1))) } // prettier-ignore
    const expected = where === 'first' ? tap : g.transpose(g.assumeShape(tap, ['n', 8, 8, 8]), [0, 3, 1, 2]) // prettier-ignore
    const [[got], [want]] = [await run(of(found), feeds), await run(of(expected), feeds)]
    expect(got!['v']!.data).toEqual(want!['v']!.data)
    const note = expect.stringContaining(`channels ${where === 'first' ? 'first' : 'last'}`) as string // prettier-ignore
    expect(await listed(tap)).toContainEqual(expect.objectContaining({ name: 'tap', note }))
  })

  it('refuses where nothing tells', async () => {
    const flat = g.mul(g.reduceMean(cube, [1, 2, 3]), numbers([1, 8, 8, 8]))
    await expect(encoder(flat)).rejects.toThrow(/channels could be first or last/)
  })

  const windows = (v: g.Value) => {
    // [n, 8, 8, 6] in windows of 4×4: [n·4, 16, 6]
    const rows = g.reshape(v, [-1, 2, 4, 2, 4, 6])
    return g.reshape(g.transpose(rows, [0, 1, 3, 2, 4, 5]), [-1, 16, 6])
  }
  const maps = g.transpose(conv, [0, 2, 3, 1])
  const roll = (v: g.Value, by: number) =>
    [1, 2].reduce((x, axis) => {
      const [end, begin] = [g.slice(x, [axis], [by], [2 ** 40]), g.slice(x, [axis], [0], [by])]
      return g.concat([end, begin], axis)
    }, v)

  it('windows are refused, and are not offered', async () => {
    const tap = g.relu(windows(maps))
    await expect(encoder(tap)).rejects.toThrow(/tap is \[4, 16, 6\] for one image: parts of it/)
    expect((await listed(tap)).map((t) => t.name)).not.toContain('tap')
  })

  it('tokens in the order of windows are refused', async () => {
    await expect(encoder(g.reshape(windows(maps), [-1, 64, 6]))).rejects.toThrow(/no map of the image/) // prettier-ignore
  })

  it('rolled maps are refused, those that were rolled back are taken', async () => {
    const rolled = g.relu(roll(maps, 3))
    await expect(encoder(rolled)).rejects.toThrow(/tap is a map that was rolled/)
    expect((await listed(rolled)).map((t) => t.name)).not.toContain('tap')
    expect((await encoder(g.add(maps, roll(rolled, -3)))).taps[0]!.channels).toBe(6)
    const order = g.constant(tensor('int64', [8], BigInt64Array.from([3, 4, 5, 6, 7, 0, 1, 2], BigInt))) // prettier-ignore
    await expect(encoder(g.gather(maps, order, 1))).rejects.toThrow(/rolled/)
  })

  it('and so are maps whose rows are the columns of the image', async () => {
    await expect(encoder(g.transpose(conv, [0, 1, 3, 2]))).rejects.toThrow(/no map of the image/)
  })
})

describe('a transformer with registers', () => {
  it('is offered with the number of tokens to leave out, and asks for it', async () => {
    const { bytes } = vit(64, 5)
    const found = await onnxTaps(bytes, { inputSize: 64, run })
    const block = { name: 'block0', kind: 'tokens', prefix: 5, height: 4, note: 'needs --prefix-tokens 5' } // prettier-ignore
    expect(found).toContainEqual(expect.objectContaining(block))
    const failed = onnxEncoder(bytes, { name: 'm', taps: ['block0'], inputSize: 64, run })
    await expect(failed).rejects.toMatchObject({
      hint: expect.stringContaining('--prefix-tokens 5 leaves 4×4') as string,
    })
  })

  it('says what it takes for granted of others', async () => {
    const { bytes } = vit(64, 1)
    const spec = await onnxEncoder(bytes, { name: 'm', taps: ['block0'], inputSize: 64, run })
    expect(spec.assumed).toEqual(['block0: 4×4, without the class token before them'])
    for (const [prefix, note] of [[0, /all tokens/], [1, /class token/]] as const) {
      const found = await onnxTaps(vit(64, prefix).bytes, { inputSize: 64, run })
      expect(found.find((t) => t.name === 'block0')?.note).toMatch(note)
    } // prettier-ignore
  })
})

describe('a file that is not what its operators would be', () => {
  it('is refused with the operator, whatever is wrong', async () => {
    // a runtime whose results for the file as it was are others from a value on
    const { bytes } = cnn()
    const strange: typeof run = async (model, ...feeds) => {
      const results = await run(model, ...feeds)
      if (!feeds.some((f) => 'pixels' in f)) return results
      return results.map((r) => Object.fromEntries(Object.entries(r).map(([name, t]) => [name, name === 's8' || name === 's16' ? { ...t, data: (t.data as Float32Array).map((v) => v + 1) } : t]))) as typeof results // prettier-ignore
    }
    const failed = onnxEncoder(bytes, { name: 'm', taps: ['s16'], inputSize: 64, run: strange })
    await expect(failed).rejects.toThrow(CflowError)
    await expect(failed).rejects.toThrow(/operator set 18 .*: Add s8 would give other numbers/)
  })
})
