import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { allSettings } from '../commands.js'
import { settingsMarkdown } from './markdown.js'
import { parseSettings } from './parse.js'
import { grouped, settingsOf } from './settings.js'

const schema = z.object({
  ...grouped('images', {
    inputSize: z.int().min(32).default(256).meta({ help: 'images are resized to this' }),
    scales: z
      .union([z.literal(1), z.literal(2)])
      .optional()
      .meta({ help: 'scales' }),
    mean: z.tuple([z.number(), z.number(), z.number()]).optional().meta({ help: 'of pixels' }),
    batch: z.array(z.int()).default([1, 4]).meta({ error: 'is a list of numbers' }),
  }),
  loss: z.enum(['nll', 'mse']).meta({ help: 'to be small' }).optional(),
  names: z.array(z.string().min(1)).optional(),
  threads: z.int().optional().meta({ otherwise: 'physical cores', placeholder: 'CORES' }),
  blurred: z
    .boolean()
    .default(true)
    .meta({ help: 'soft', negation: { key: 'sharp', help: 'not soft' } }),
})

describe('settings of a schema', () => {
  const byKey = Object.fromEntries(settingsOf(schema).map((s) => [s.key, s]))

  it('have flag, kind, placeholder, group and help with choices and default', () => {
    expect(byKey['inputSize']).toMatchObject({
      ...{ flag: '--input-size', kind: 'number', placeholder: 'N', group: 'images' },
      otherwise: '256',
    })
    expect(byKey['loss']).toMatchObject({ kind: 'text', help: 'to be small: nll or mse' })
    expect(byKey['threads']).toMatchObject({ placeholder: 'CORES', otherwise: 'physical cores' })
    expect(byKey['batch']).toMatchObject({ kind: 'numbers', otherwise: '1,4' })
    const kinds = ['scales', 'mean', 'names', 'blurred'].map((key) => byKey[key]!.kind)
    expect(kinds).toEqual(['number', 'numbers', 'texts', 'switch'])
  })

  it('of a switch include its opposite', () => {
    expect(byKey['blurred']).toMatchObject({ placeholder: undefined, otherwise: 'the default' })
    expect(byKey['sharp']).toMatchObject({ flag: '--sharp', help: 'not soft', negates: 'blurred' })
  })
})

describe('values', () => {
  const file = (values: Record<string, unknown>) => ({ path: 'a.yaml', values })

  it('come from flags, then from the file, then from the schema; foreign ones are passed over', () => {
    expect(parseSettings(schema, { inputSize: 64 }, file({ inputSize: 32, mean: '1, 2,3', speed: 1 }))) // prettier-ignore
      .toEqual({ inputSize: 64, mean: [1, 2, 3], batch: [1, 4], blurred: true })
  })

  it('of lists are lists, text with commas, or a single one', () => {
    const batches = [[1, 2], '1,2', 3].map((batch) => parseSettings(schema, { batch }).batch)
    expect(batches).toEqual([[1, 2], [1, 2], [3]])
    expect(parseSettings(schema, { names: [1, ' a ', ''] }).names).toEqual(['1', 'a'])
  })

  it('of switches may be said by the opposite, in the file too', () => {
    expect(parseSettings(schema, {}, file({ sharp: true })).blurred).toBe(false)
    expect(parseSettings(schema, { blurred: true }, file({ sharp: true })).blurred).toBe(true)
    expect(() => parseSettings(schema, { blurred: true, sharp: true })).toThrow(
      /exclude each other/,
    )
    expect(() => parseSettings(schema, {}, file({ sharp: 'yes' }))).toThrow(/true or false/)
  })

  it.each([
    [{ inputSize: 'x' }, "--input-size needs a whole number, got 'x'"],
    [{ inputSize: 3 }, '--input-size needs a whole number of at least 32, got 3'],
    [{ batch: '1,x' }, "--batch is a list of numbers, got '1,x'"],
  ])('that do not fit are refused: %j', (values, message) => {
    expect(() => parseSettings(schema, values)).toThrow(message)
    const [key] = Object.keys(values)
    expect(() => parseSettings(schema, {}, file(values))).toThrow(`${key} in a.yaml`)
  })
})

// To write the README's tables again: npx vitest run --project cli src/settings -u
it('the README lists the settings of all commands', async () => {
  const path = fileURLToPath(new URL('../../README.md', import.meta.url))
  const [begin, end] = ['<!-- prettier-ignore-start -->\n', '<!-- prettier-ignore-end -->']
  const readme = await readFile(path, 'utf8')
  const tables = settingsMarkdown(await allSettings())
  const before = readme.slice(0, readme.indexOf(begin) + begin.length)
  await expect(`${before}${tables}${readme.slice(readme.indexOf(end))}`).toMatchFileSnapshot(path)
})

it('every setting says what it is', async () => {
  for (const { name, settings } of await allSettings())
    for (const { flag, help } of settingsOf(settings)) expect(help, `${name} ${flag}`).not.toBe('')
})
