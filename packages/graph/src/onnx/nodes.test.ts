import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { floats, tensor } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import * as g from '../../test/all.js'
import { runBytes } from '../../test/run.js'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as types,
  FunctionProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type ModelProto,
} from './generated/onnx_pb.js'

const x = g.input('x', 'float32', ['n', 3])
const feeds = { x: floats('float32', [2, 3], [-3, -2, -1, 1, 2, 3]) }

/** A file that was changed after it was written. */
function changed(outputs: Record<string, g.Value>, change: (model: ModelProto) => void) {
  const model = fromBinary(ModelProtoSchema, g.writeOnnx(outputs))
  change(model)
  return toBinary(ModelProtoSchema, model)
}

const kept = (type: string, inputs: readonly g.Value[], domain = 'own', attributes = {}): g.Value =>
  g.apply(
    { type, domain, infer: () => [{ dtype: 'float32', shape: g.unknownRank }] },
    inputs,
    attributes,
  )

async function expectSame(bytes: Uint8Array, expected = bytes): Promise<void> {
  const again = g.writeOnnx(g.readOnnx(bytes).outputs)
  expect(await runBytes(again, feeds)).toEqual(await runBytes(expected, feeds))
}

describe('nodes in another order', () => {
  const deep = g.tanh(g.neg(g.relu(g.add(x, g.scalar(0.5)))))

  it('than the one they run in are sorted', async () => {
    const backwards = changed({ y: deep }, ({ graph }) => graph!.node.reverse())
    await expectSame(backwards, g.writeOnnx({ y: deep }))
  })

  it('that need each other are named', () => {
    const circular = changed({ y: deep }, ({ graph }) => {
      graph!.node[0]!.input[0] = graph!.node[2]!.output[0]!
    })
    expect(() => g.readOnnx(circular)).toThrow(/Relu .* and Add .* need each other's results/)
  })

  it('or that use what nothing makes are named', () => {
    const lost = changed({ y: deep }, ({ graph }) => (graph!.node[1]!.input[0] = 'gone'))
    expect(() => g.readOnnx(lost)).toThrow(/Relu .* uses gone, which nothing makes/)
  })
})

type Function = MessageInitShape<typeof FunctionProtoSchema>
const set = (domain: string, version: number) =>
  create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) })

const withFunctions = (outputs: Record<string, g.Value>, functions: readonly Function[]) =>
  changed(outputs, (model) => {
    model.opsetImport = [set('', 18), set('own', 1)]
    model.functions = functions.map((f) =>
      create(FunctionProtoSchema, { domain: 'own', opsetImport: model.opsetImport, ...f }),
    )
  })

const ref = (name: string, refAttrName: string) =>
  create(AttributeProtoSchema, { name, refAttrName, type: types.FLOAT })
const alpha = (f: number) => create(AttributeProtoSchema, { name: 'alpha', type: types.FLOAT, f })

/** max(x, α·x) + x², the square by another function, with an inner value of a name that is outside too. */
const leaky: Function = {
  name: 'Leaky',
  input: ['a'],
  output: ['b'],
  attributeProto: [alpha(0.25)],
  node: [
    { opType: 'Square', domain: 'own', input: ['a'], output: ['x'] },
    { opType: 'LeakyRelu', input: ['a'], output: ['c'], attribute: [ref('alpha', 'alpha')] },
    { opType: 'Add', input: ['c', 'x'], output: ['b'] },
  ],
}
const square: Function = {
  name: 'Square',
  input: ['a'],
  output: ['b'],
  node: [{ opType: 'Mul', input: ['a', 'a'], output: ['b'] }],
}

describe('functions of the file', () => {
  it('are put in the place of their calls: nested, twice, with attributes and defaults', async () => {
    const once = kept('Leaky', [x])
    const twice = kept('Leaky', [once], 'own', { alpha: g.attribute.float(0.5) })
    const bytes = withFunctions({ y: g.neg(twice), z: once }, [leaky, square])
    const { values, opsets } = g.readOnnx(g.writeOnnx(g.readOnnx(bytes).outputs))
    expect(opsets).toEqual({ '': 18 })
    expect([...values.values()].some(({ node }) => node.kind === 'operator' && node.operator.domain === 'own')).toBe(false) // prettier-ignore
    await expectSame(bytes)
    expect([...g.readOnnx(bytes).values.keys()]).toContain('z/c')
  })

  it('are brought from their own operator set', async () => {
    const old: Function = {
      name: 'Old',
      input: ['a'],
      output: ['b'],
      opsetImport: [set('', 12)],
      node: [{ opType: 'Softmax', input: ['a'], output: ['b'] }],
    }
    const bytes = withFunctions({ y: kept('Old', [g.reshape(x, [2, 1, 3])]) }, [old])
    const rows = (v: g.Value) =>
      g.assumeShape(kept('Softmax', [v], '', { axis: g.attribute.int(-1) }), [2, 3])
    await expectSame(bytes, g.writeOnnx({ y: g.reshape(rows(x), [2, 1, 3]) }))
  })

  it('that give back their input, or leave inputs and outputs out', async () => {
    const same: Function = { name: 'Same', input: ['a', 'unused'], output: ['a'], node: [] }
    await expectSame(withFunctions({ y: g.neg(kept('Same', [x])) }, [same]), g.writeOnnx({ y: g.neg(x) })) // prettier-ignore
  })

  it('that call themselves are named', () => {
    const endless: Function = {
      ...{ name: 'Endless', input: ['a'], output: ['b'] },
      node: [{ opType: 'Endless', domain: 'own', input: ['a'], output: ['b'] }],
    }
    const bytes = withFunctions({ y: kept('Endless', [x]) }, [endless])
    expect(() => g.readOnnx(bytes)).toThrow(/function Endless of the file calls itself/)
  })
})

describe('tensors of element types that are not handled', () => {
  const odd = (name: string, dataType: number, rawData: Uint8Array<ArrayBuffer>) =>
    create(TensorProtoSchema, { name, dataType, dims: [2n], rawData })

  it('do no harm where nothing needs them', async () => {
    const bytes = changed({ y: g.neg(x) }, ({ graph }) => {
      for (const [type, size] of [
        [4, 4],
        [5, 4],
        [12, 8],
        [13, 16],
        [16, 4],
        [17, 2],
        [19, 2],
        [22, 1],
      ] as const)
        // prettier-ignore
        graph!.initializer.push(odd(`t${type}`, type, new Uint8Array(size)))
      graph!.initializer.push(create(TensorProtoSchema, { name: 't', dataType: 8, dims: [1n], stringData: [new Uint8Array(2)] })) // prettier-ignore
    })
    await expectSame(bytes, g.writeOnnx({ y: g.neg(x) }))
  })

  it('are kept as they are where something does', async () => {
    const numbers = g.constant(tensor('int32', [2], Int32Array.of(3, 70000)), 'numbers')
    const outputs = { y: g.add(g.slice(x, [1], [0], [2]), g.cast(numbers, 'float32')) }
    const bytes = changed(outputs, ({ graph }) => {
      const at = graph!.initializer.findIndex((t) => t.name === 'numbers')
      graph!.initializer[at] = odd('numbers', 4, Uint8Array.of(3, 0, 255, 255))
    })
    await expectSame(bytes)
    expect((await runBytes(g.writeOnnx(g.readOnnx(bytes).outputs), feeds))['y']!.data).toEqual([0, 65533, 4, 65537]) // prettier-ignore
  })
})

describe('withOutputs', () => {
  it('gives a file other outputs, as it is, without what they do not need', async () => {
    const [inner, weight] = [g.neg(x), g.constant(floats('float32', [1, 3], [1, 2, 3]), 'weight')]
    const bytes = changed({ inner, y: g.mul(inner, weight), z: g.tanh(x) }, ({ graph }) => {
      // as old files do
      graph!.input.push(...graph!.initializer.map((t) => create(ValueInfoProtoSchema, { ...graph!.input[0]!, name: t.name }))) // prettier-ignore
      graph!.node.reverse()
    })
    const file = g.withOutputs(bytes, ['inner', 'gone'])!
    expect(await runBytes(file, feeds)).toEqual({
      inner: { shape: [2, 3], data: [3, 2, 1, -1, -2, -3] },
    })
    expect(Object.keys(g.readOnnx(file).inputs)).toEqual(['x'])
    expect(file.length).toBeLessThan(bytes.length)
    expect(Object.keys(await runBytes(g.withOutputs(bytes, ['y', 'z'])!, feeds))).toEqual([
      'y',
      'z',
    ])
    expect(g.withOutputs(bytes, ['gone', 'x'])).toBeUndefined()
  })
})
