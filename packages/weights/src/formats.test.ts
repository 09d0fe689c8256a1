import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { expectFixture } from '../test/fixtures.js'
import { readWeights } from './formats.js'

it.each(['state_dict.safetensors', 'state_dict_zip.pth', 'state_dict_legacy.pth'])(
  'knows %s by its content',
  (name) => {
    const path = new URL(`../fixtures/${name}`, import.meta.url)
    expectFixture(readWeights(new Uint8Array(readFileSync(path))))
  },
)

it('says what is read where a file is of no kind', () => {
  for (const bytes of [new Uint8Array(0), new TextEncoder().encode('<!doctype html>')])
    expect(() => readWeights(bytes)).toThrow(
      expect.objectContaining({
        code: 'WEIGHTS',
        hint: expect.stringMatching(/\.pth.*\.safetensors/) as string,
      }) as Error,
    )
})
