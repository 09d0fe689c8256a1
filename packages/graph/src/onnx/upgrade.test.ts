import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { floats } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { runBytes } from '../../test/run.js'
import * as g from '../../test/all.js'
import { ModelProtoSchema } from './generated/onnx_pb.js'

const { attribute } = g

/** An operator in the form that a set gave it. */
function old(
  type: string,
  inputs: readonly (g.Value | undefined)[],
  attributes: g.Attributes,
  outputs = 1,
): readonly g.Value[] {
  const operator: g.Operator = {
    type,
    infer: () =>
      Array.from({ length: outputs }, () => ({ dtype: 'float32', shape: g.unknownRank })),
  }
  return g.applyAll(operator, inputs, attributes)
}

/** A file that says it is of another operator set. */
function ofOpset(version: number, outputs: Record<string, g.Value>, domain = ''): Uint8Array {
  const model = fromBinary(ModelProtoSchema, g.writeOnnx(outputs))
  for (const set of model.opsetImport) Object.assign(set, { version: BigInt(version), domain })
  return toBinary(ModelProtoSchema, model)
}

const x = g.input('x', 'float32', [1, 2, 4, 6])
const feeds = {
  x: floats(
    'float32',
    [1, 2, 4, 6],
    Float64Array.from({ length: 48 }, (_, i) => i - 20),
  ),
}
const ints = attribute.ints
const scales = g.constant(floats('float32', [4], [1, 1, 2, 1.5]))
const integer = (n: number) => g.scalar(n, 'int64')
const one = (...args: Parameters<typeof old>) => old(...args)[0]!

const forms: Record<number, Record<string, g.Value>> = {
  9: {
    unsqueezed: one('Squeeze', [one('Unsqueeze', [x], { axes: ints([0, 3]) })], {
      axes: ints([0]),
    }),
    mean: one('ReduceMean', [x], { axes: ints([2, 3]), keepdims: attribute.int(0) }),
    sum: one('ReduceSum', [x], { axes: ints([-1]) }),
    all: one('ReduceMax', [x], {}),
    parts: old('Split', [x], { axis: attribute.int(3), split: ints([1, 5]) }, 2)[1]!,
    halves: old('Split', [x], { axis: attribute.int(2) }, 2)[1]!,
    sliced: one('Slice', [x], { starts: ints([1, -3]), ends: ints([3, 1000]), axes: ints([2, 3]) }),
    padded: one('Pad', [x], { pads: ints([0, 0, 1, 0, 0, 0, 0, 2]), value: attribute.float(7) }),
    clipped: one('Clip', [x], { min: attribute.float(0), max: attribute.float(6) }),
    below: one('Clip', [x], { max: attribute.float(6) }),
    dropped: one('Dropout', [x], { ratio: attribute.float(0.5) }),
    softmax: one('Softmax', [g.reshape(x, [6, 8])], {}),
    upsampled: one('Upsample', [x, scales], { mode: attribute.string('nearest') }),
    linear: one('Upsample', [x, scales], { mode: attribute.string('linear') }),
  },
  10: { resized: one('Resize', [x, scales], { mode: attribute.string('linear') }) },
  11: {
    listed: one(
      'SequenceAt',
      [one('SplitToSequence', [x], { axis: attribute.int(3) }), integer(2)],
      {},
    ),
    joined: one('ConcatFromSequence', [one('SequenceConstruct', [x, g.neg(x)], {})], {
      axis: attribute.int(1),
    }),
  },
  13: {
    halves: old('Split', [x], { axis: attribute.int(3) }, 2)[0]!,
    norm: one('ReduceL2', [x], { axes: ints([1]) }),
  },
}

describe('files of older operator sets', () => {
  it.each(Object.keys(forms).map(Number))('of set %i give the same numbers', async (version) => {
    const bytes = ofOpset(version, forms[version]!)
    const again = g.writeOnnx(g.readOnnx(bytes).outputs)
    const [before, after] = [await runBytes(bytes, feeds), await runBytes(again, feeds)]
    expect(Object.keys(after).sort()).toEqual(Object.keys(forms[version]!).sort())
    expect(after).toEqual(before)
  })

  it('older than 7 are refused', () => {
    expect(() => g.readOnnx(ofOpset(6, { y: g.relu(x) }))).toThrow(/operator set 6, older than 7/)
  })
})

describe('files of newer operator sets and of other domains', () => {
  it('keep the sets that their operators need', async () => {
    const gelu = one('Gelu', [x], {})
    const bytes = ofOpset(20, { y: g.relu(gelu) })
    const read = g.readOnnx(bytes)
    expect(read.opsets).toEqual({ '': 20 })
    const again = g.writeOnnx({ y: g.identity(read.outputs['y']!) })
    expect(g.readOnnx(again).opsets).toEqual({ '': 20 })
    expect(await runBytes(again, feeds)).toEqual(await runBytes(bytes, feeds))
    expect(g.readOnnx(g.writeOnnx({ y: g.relu(x) })).opsets).toEqual({ '': g.opsetVersion })
  })

  it('keep domains, with ai.onnx as another name of the standard one', async () => {
    const fused: g.Operator = {
      type: 'QuickGelu',
      domain: 'com.microsoft',
      infer: () => [{ dtype: 'float32', shape: g.unknownRank }],
    }
    const bytes = g.writeOnnx({ y: g.apply(fused, [x]) }, { domains: { 'com.microsoft': 1 } })
    const again = g.writeOnnx({ y: g.neg(g.readOnnx(bytes).outputs['y']!) })
    expect(g.readOnnx(again).opsets).toEqual({ '': 18, 'com.microsoft': 1 })
    const got = await runBytes(again, feeds)
    const expected = await runBytes(bytes, feeds)
    expect(got['y']!.data).toEqual(expected['y']!.data.map((v) => -v))
    expect(g.readOnnx(ofOpset(9, { y: g.relu(x) }, 'ai.onnx')).opsets).toEqual({ '': 9 })
  })
})

describe('constant nodes', () => {
  it('are constants whichever attribute holds the value', async () => {
    const outputs = {
      float: one('Constant', [], { value_float: attribute.float(2.5) }),
      ints: old('Constant', [], { value_ints: ints([3, 4]) })[0]!,
    }
    const model = g.readOnnx(
      g.writeOnnx({ f: g.add(outputs.float, x), r: g.identity(outputs.ints) }),
    )
    expect(model.outputs['f']!.shape).toEqual([1, 2, 4, 6])
    expect(model.outputs['r']!.dtype).toBe('int64')
  })
})
