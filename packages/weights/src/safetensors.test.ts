import { readFileSync } from 'node:fs'
import { CflowError, tensor } from '@cflow/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectFixture, onlyCflowErrors } from '../test/fixtures.js'
import { readSafetensors, writeSafetensors } from './safetensors.js'

const fixture = new Uint8Array(
  readFileSync(new URL('../fixtures/state_dict.safetensors', import.meta.url)),
)

function file(header: unknown, data = 0): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  )
  const bytes = new Uint8Array(8 + json.length + data)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

const entry = (from: number, to: number, shape: unknown = [(to - from) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [from, to],
})

describe('readSafetensors', () => {
  it('reads what the reference wrote', () => expectFixture(readSafetensors(fixture).tensors))

  it('reads metadata and bfloat16', () => {
    const bytes = file({ __metadata__: { a: 'b' }, x: entry(0, 4, [2], 'BF16') }, 4)
    bytes.set([0xc0, 0x3f, 0x00, 0xc0], bytes.length - 4)
    const { tensors, metadata } = readSafetensors(bytes)
    expect(metadata).toEqual({ a: 'b' })
    expect(tensors.get('x')).toEqual(tensor('float32', [2], Float32Array.of(1.5, -2)))
  })

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a header longer than the file', fixture.subarray(0, 100)],
    ['no JSON', file('{')],
    ['an array', file([])],
    ['a gap', file({ a: entry(0, 4), b: entry(8, 12) }, 12)],
    ['an overlap', file({ a: entry(0, 8), b: entry(4, 12) }, 12)],
    ['data that nothing describes', file({ a: entry(0, 4) }, 8)],
    ['data beyond the end', file({ a: entry(0, 8) }, 4)],
    ['offsets in the wrong order', file({ a: entry(4, 0, [0]) }, 4)],
    ['a shape of another size', file({ a: entry(0, 4, [2]) }, 4)],
    ['a negative size', file({ a: entry(0, 4, [-1, -1]) }, 4)],
    ['a fraction', file({ a: entry(0, 4, [0.5, 2]) }, 4)],
    ['a huge shape', file({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4)],
    ['another size than the type has', file({ a: entry(0, 4, [1], 'F8_E4M3') }, 4)],
    ['metadata that are not text', file({ __metadata__: { a: 1 } })],
    ['an entry that is none', file({ a: 1 })],
  ])('refuses %s', (_, bytes) => {
    expect(() => readSafetensors(bytes)).toThrow(CflowError)
  })

  it('leaves out tensors of types that it does not read, and says which', () => {
    const kinds = [['F8_E4M3', 4], ['F8_E5M2', 4], ['U16', 8], ['U32', 16], ['U64', 32], ['F4', 2], ['C64', 32], ['NEWS', 7]] as const // prettier-ignore
    let at = 4
    const others = kinds.map(([dtype, size]) => {
      at += size
      return [dtype.toLowerCase(), entry(at - size, at, [4], dtype)] as const
    })
    const header = { ...Object.fromEntries(others), bias: entry(0, 4) }
    const { tensors } = readSafetensors(file(header, at))
    expect([...tensors.keys()]).toEqual(['bias'])
    expect(tensors.unread!.get('f8_e4m3')).toBe('float8_e4m3fn')
    expect([...tensors.unread!.values()].at(-1)).toBe('NEWS')
    expect(tensors.unread!.size).toBe(kinds.length)
  })

  it('never fails with anything but a CflowError', () => {
    onlyCflowErrors(fixture, readSafetensors)
  }, 60_000)
})

describe('writeSafetensors', () => {
  it('writes the very bytes of the reference, whatever the order', () => {
    const { tensors } = readSafetensors(fixture)
    expect(writeSafetensors(tensors)).toEqual(fixture)
    expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(fixture)
  })

  it('is undone by reading', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.startsWith('__'))
    const contents = fc.dictionary(text, fc.float32Array({ maxLength: 9 }), { maxKeys: 5 })
    fc.assert(
      fc.property(contents, fc.dictionary(text, text), (contents, metadata) => {
        const tensors = new Map(
          Object.entries(contents).map(([k, data]) => [k, tensor('float32', [data.length], data)]),
        )
        const read = readSafetensors(writeSafetensors(tensors, metadata))
        expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()))
        expect(read.metadata).toEqual({ ...metadata })
      }),
    )
  })
})
