import { temporaryFolder } from '@cflow/base/testing'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { npyBytes } from '../../../test/npy.js'
import { openNpy, readNonZero, readNonZeroAt } from './npy.js'

const dir = await temporaryFolder('npy')

const fixtures = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/npy.json', import.meta.url), 'utf8'),
) as { readonly files: readonly { readonly name: string; readonly npy: string }[] }

describe('files that NumPy wrote', () => {
  it.each(fixtures.files)('$name', async ({ name, npy }) => {
    const path = join(dir, `${name}.npy`)
    await writeFile(path, Buffer.from(npy, 'base64'))
    const file = await openNpy(path)
    expect(file.shape).toEqual([2, 3, 4])
    for (const slice of [0, 1])
      expect([...(await readNonZeroAt(file, slice))]).toEqual(
        Array.from({ length: 12 }, (_, i) => Number((slice * 12 + i) % 5 === 0)),
      )
  })
})

const arrays = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }))
  .chain(([shape]) => {
    const length = shape.reduce((n, d) => n * d, 1)
    return fc.record({
      shape: fc.constant(shape),
      values: fc.array(fc.constantFrom(0, 0, 1, 7), { minLength: length, maxLength: length }),
      descr: fc.constantFrom('|b1' as const, '|u1' as const, '<i8' as const),
      fortran: fc.boolean(),
    })
  })

it('gives every slice in C order, whatever the shape, type and order', async () => {
  const path = join(dir, 'any.npy')
  await fc.assert(
    fc.asyncProperty(arrays, async ({ shape, values, ...format }) => {
      await writeFile(path, npyBytes(shape, values, format))
      const npy = await openNpy(path)
      const flags: number[] = []
      for (let i = 0; i < shape[0]!; i++) flags.push(...(await readNonZeroAt(npy, i)))
      expect(flags).toEqual(values.map((v) => Number(v !== 0)))
      if (shape.length === 1) expect([...(await readNonZero(npy))]).toEqual(flags)
    }),
    { numRuns: 60 },
  )
})

it('refuses a file that is cut off anywhere, too long, or no array', async () => {
  const whole = npyBytes([3, 2], [1, 0, 1, 0, 1, 0], { descr: '<i8' })
  const path = join(dir, 'cut.npy')
  const refused = expect.objectContaining({ code: 'MASK', subject: path })
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
      await writeFile(path, whole.slice(0, length))
      await expect(openNpy(path)).rejects.toEqual(refused)
    }),
    { numRuns: 60 },
  )
  await writeFile(path, Buffer.concat([whole, Buffer.alloc(1)]))
  await expect(openNpy(path)).rejects.toThrow(/bytes where \d+ belong/)
  const text = Buffer.from(whole).toString('latin1')
  for (const [from, to] of [
    ['<i8', '|O8'],
    ['<i8', '<c8'],
    ['False', 'Maybe'],
    ['(3, 2)', '(3,x2)'],
  ] as const) {
    await writeFile(path, Buffer.from(text.replace(from, to), 'latin1'))
    await expect(openNpy(path)).rejects.toEqual(refused)
  }
  await expect(openNpy(join(dir, 'none.npy'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
