import { readFileSync } from 'node:fs'
import { CflowError } from '@cflow/base'
import { unzipSync, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { expectFixture, onlyCflowErrors } from '../../test/fixtures.js'
import { legacyFile, ops, parameterOf, python2Dict, storage, tensorAt } from '../../test/pickles.js'
import { readPth } from './pth.js'

const read = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url)))
const zip = read('state_dict_zip.pth')
const legacy = read('state_dict_legacy.pth')

/** A list of n times a list of n times … the empty list. */
const nested = (n: number, depth: number) =>
  ops.code(']' + Array.from({ length: depth }, () => wrapped(n)).join(''))
/** Memo 1 is the list so far; the new one takes its place. */
const wrapped = (n: number) => `q\x010](${'h\x01'.repeat(n)}e`

const seven = tensorAt(storage('7', 4), 0, [4], [1])
const integers = tensorAt(storage('7', 4, undefined, 'IntStorage'), 0, [4], [1])

describe('readPth', () => {
  it('reads the zip format', () => expectFixture(readPth(zip)))
  it('reads the legacy format', () => expectFixture(readPth(legacy)))
  it('reads deflated entries', () => {
    const files = unzipSync(zip)
    expectFixture(readPth(zipSync(files, { level: 9 })))
  })

  it('gives dense tensors, views included', () => {
    const a = readPth(zip).get('a')!
    expect(Array.from(a.data as Float32Array)).toEqual([0, 1, 2, 3, 4, 5])
    expect(a.data.byteLength).toBe(24)
  })

  it('joins the names of nested dictionaries and lists, and leaves out what is no tensor', () => {
    const t = tensorAt(storage('7', 4), 0, [2, 2], [1, 2])
    const file = legacyFile(
      ops.dict([
        ['encoder', ops.dict([['w', t]])],
        ['decoders', ops.list([ops.dict([['v', t]]), ops.dict([['v', t]])])],
        ['epoch', ops.int(3)],
        ['name', ops.text('x')],
        ['rate', ops.float(0.5)],
      ]),
      [['7', [1, 2, 3, 4]]],
    )
    const weights = readPth(file)
    expect([...weights.keys()]).toEqual(['encoder.w', 'decoders.0.v', 'decoders.1.v'])
    expect(Array.from(weights.get('encoder.w')!.data as Float32Array)).toEqual([1, 3, 2, 4])
  })

  it('reads parameters of every age', () => {
    const t = tensorAt(storage('7', 4), 1, [3], [1])
    const forms = { ...parameterOf(t), view: tensorAt(storage('7', 4, [2, 2]), 0, [2], [1]) }
    const file = legacyFile(python2Dict(Object.entries(forms)), [['7', [1, 2, 3, 4]]])
    const weights = readPth(file)
    for (const name of Object.keys(parameterOf(t)))
      expect(Array.from(weights.get(name)!.data as Float32Array), name).toEqual([2, 3, 4])
    expect(Array.from(weights.get('view')!.data as Float32Array)).toEqual([3, 4])
  })

  it.each([
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    ['torch', 'load'],
    ['torch', 'constructor'],
    ['torch', '__proto__'],
    ['torch._utils', '_rebuild_tensor_v9'],
    ['torch', 'float_power'],
  ])('refuses %s.%s and says so', (module, name) => {
    const attack = ops.join(ops.global(module, name), ops.tuple([ops.text('id')]), ops.code('R'))
    for (const file of [
      legacyFile(attack, []),
      zipSync({ 'x/data.pkl': ops.pickle(attack) }, { level: 0 }),
    ])
      try {
        readPth(file)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(CflowError)
        expect(error).toMatchObject({ code: 'WEIGHTS', subject: `${module}.${name}` })
      }
  })

  it.each([
    ['a view beyond its storage', /beyond its storage/, tensorAt(storage('7', 4), 1, [4], [1])],
    ['a view that begins beyond it', /beyond its storage/, tensorAt(storage('7', 4), 5, [1], [1])],
    ['elements repeated without end', /far more room/, tensorAt(storage('7', 4), 0, [2e9], [0])],
    ['fewer strides than sizes', /without strides/, tensorAt(storage('7', 4), 0, [2, 2], [1])],
    [
      'a storage that is not there',
      /is missing/,
      ops.list([seven, tensorAt(storage('8', 4), 0, [4], [1])]),
    ],
    ['a storage that nothing refers to', /nothing refers to/, ops.int(1)],
    ['two types of one storage', /two types/, ops.list([seven, integers])],
    ['a list that holds itself', /too deeply/, ops.list([seven, ops.code(']q\x01h\x01a')])],
    ['lists too deep', /too deeply/, ops.list([seven, nested(1, 60)])],
    ['lists without number', /too deeply/, ops.list([seven, nested(60, 12)])],
  ])('refuses %s', (_, message, object) => {
    const read = () => readPth(legacyFile(object, [['7', [1, 2, 3, 4]]]))
    expect(read).toThrow(CflowError)
    expect(read).toThrow(message)
  })

  it('leaves out the settings that a training script saves with its weights', () => {
    const settings = ops.join(
      ops.global('argparse', 'Namespace'),
      ops.code(')\x81'),
      ops.dict([['model', ops.text('resnet18')]]),
      ops.code('b'),
    )
    const file = legacyFile(
      ops.dict([
        ['args', settings],
        ['state_dict', ops.dict([['weight', seven]])],
      ]),
      [['7', [1, 2, 3, 4]]],
    )
    expect([...readPth(file).keys()]).toEqual(['state_dict.weight'])
  })

  it('leaves out tensors of elements that it does not read, and says which', () => {
    const call = (name: string, args: readonly Uint8Array<ArrayBufferLike>[]) =>
      ops.join(ops.global('torch._utils', name), ops.tuple(args), ops.code('R'))
    const none = ops.code('N')
    const shape = ops.tuple([ops.int(4)])
    const bytes = storage('8', 4, undefined, 'UntypedStorage')
    const file = legacyFile(
      ops.dict([
        ['weight', seven],
        ['scale', call('_rebuild_tensor_v3', [bytes, ops.int(0), shape, ops.tuple([ops.int(1)]), none, none, ops.global('torch', 'float8_e4m3fn'), none])], // prettier-ignore
        ['packed', call('_rebuild_qtensor', [seven, ops.tuple([ops.global('torch', 'per_tensor_affine')])])], // prettier-ignore
        ['index', tensorAt(storage('9', 4, undefined, 'ComplexFloatStorage'), 0, [1], [1])],
      ]),
      [['7', [1, 2, 3, 4]]],
    )
    // the storages of the others, of 4 bytes and of 32
    const keys = ops.pickle(ops.list(['7', '8', '9'].map(ops.text)))
    const own = ops.pickle(ops.list([ops.text('7')]))
    const at = Buffer.from(file).lastIndexOf(Buffer.from(own))
    const more = [4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(32)]
    const rest = file.subarray(at + own.length)
    const weights = readPth(Uint8Array.from([...file.subarray(0, at), ...keys, ...rest, ...more]))
    expect([...weights.keys()]).toEqual(['weight'])
    expect(Object.fromEntries(weights.unread!)).toEqual({
      scale: 'float8_e4m3fn',
      packed: 'quantised elements',
      index: 'complex64',
    })
  })

  it('refuses other files', () => {
    for (const bytes of [
      new Uint8Array(0),
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'),
      legacyFile(ops.list([]), []),
      zipSync({ 'word/document.xml': new Uint8Array(10) }),
      zipSync({ 'a/data.pkl': new Uint8Array(10), 'b/data.pkl': new Uint8Array(10) }),
    ])
      expect(() => readPth(bytes)).toThrow(/not (a PyTorch|one that)|no tensors/)
  })

  it('refuses a zip bomb before it unpacks it', () => {
    const bomb = zipSync({ 'x/data.pkl': new Uint8Array(2 ** 23) }, { level: 9 })
    expect(bomb.length).toBeLessThan(2 ** 15)
    expect(() => readPth(bomb)).toThrow(/far more than its size/)
  })

  it(
    'never fails with anything but a CflowError (zip)',
    () => onlyCflowErrors(zip, readPth),
    60_000,
  )
  it(
    'never fails with anything but a CflowError (legacy)',
    () => onlyCflowErrors(legacy, readPth),
    60_000,
  )
})
