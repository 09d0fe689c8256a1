import { readFileSync } from 'node:fs'
import { CflowError } from '@cflow/base'
import fc from 'fast-check'
import { expect } from 'vitest'
import { toFloat32, type Weights } from '../src/index.js'

interface Described {
  readonly shape: number[]
  readonly dtype: string
  readonly values: number[]
}

const described = JSON.parse(
  readFileSync(new URL('../fixtures/state_dict.json', import.meta.url), 'utf8'),
) as Record<string, Described>

/** The weights are those of fixtures/state_dict.json. */
export function expectFixture(weights: Weights): void {
  expect([...weights.keys()].sort()).toEqual(Object.keys(described).sort())
  for (const [name, { shape, dtype, values }] of Object.entries(described)) {
    const found = weights.get(name)!
    expect(found.shape).toEqual(shape)
    expect(found.dtype).toBe(dtype.replace('torch.', ''))
    const numbers = found.dtype === 'float16' ? toFloat32(found).data : found.data
    expect(Array.from(numbers as ArrayLike<number | bigint>, Number)).toEqual(values)
  }
}

/** A reader of untrusted bytes gives a result or a CflowError WEIGHTS, however a good file is damaged. */
export function onlyCflowErrors(good: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  const check = (bytes: Uint8Array) => {
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof CflowError) || error.code !== 'WEIGHTS') throw error
    }
  }
  for (let n = 0; n < good.length; n++) {
    check(good.subarray(0, n))
    for (const flip of [1, 0x10, 0x80, 0xff]) check(good.with(n, (good[n] as number) ^ flip))
  }
  const place = fc.nat(good.length - 1)
  const change = fc.tuple(place, fc.uint8Array({ maxLength: 8 }))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), place, (changes, cut) => {
      const bytes = good.slice()
      for (const [at, values] of changes) bytes.set(values.subarray(0, bytes.length - at), at)
      check(bytes)
      check(bytes.subarray(cut))
      const [[, some] = [0, new Uint8Array(0)]] = changes
      check(new Uint8Array([...bytes.subarray(0, cut), ...some, ...bytes.subarray(cut)]))
    }),
    { numRuns: 1000 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns: 1000 })
}
