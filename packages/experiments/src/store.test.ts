import { temporaryFolder } from '@cflow/base/testing'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { fileStore, idOf, remembered } from './store.js'

const dir = await temporaryFolder('store')

const schema = z.object({ value: z.number() })
const key = { name: 'cflow-part', identity: { weights: 'a', seed: 0 } }

it('computes a piece once, under a name that its identity decides', async () => {
  const store = fileStore(join(dir, 'once'))
  let times = 0
  const compute = () => Promise.resolve({ value: ++times })
  expect(await remembered(store, key, schema, compute)).toEqual({ value: 1 })
  expect(await remembered(store, key, schema, compute)).toEqual({ value: 1 })
  const other = { ...key, identity: { weights: 'b', seed: 0 } }
  expect(idOf(other)).not.toBe(idOf(key))
  expect(await remembered(store, other, schema, compute)).toEqual({ value: 2 })
  expect((await readdir(join(dir, 'once', 'trials'))).sort()).toEqual([`${idOf(key)}.json`, `${idOf(other)}.json`].sort()) // prettier-ignore
})

it.each(['', '{"value":', '{"value":"x"}', '[]'])(
  'makes again what cannot be read: %j',
  async (text) => {
    const store = fileStore(join(dir, 'damaged'))
    await store.write(key, { value: 1 })
    await writeFile(join(dir, 'damaged', 'trials', `${idOf(key)}.json`), text)
    expect(await store.read(key, schema)).toBeUndefined()
  },
)

it('keeps an unfinished training until it is removed', async () => {
  const unfinished = fileStore(join(dir, 'unfinished')).unfinished(key)
  expect(await unfinished.checkpoints.read()).toBeUndefined()
  expect(await unfinished.readNotes()).toBeUndefined()
  await unfinished.checkpoints.write(Uint8Array.of(1, 2))
  await unfinished.writeNotes('notes')
  expect(Array.from((await unfinished.checkpoints.read())!)).toEqual([1, 2])
  expect(await unfinished.readNotes()).toBe('notes')
  await unfinished.remove()
  expect(await unfinished.checkpoints.read()).toBeUndefined()
})
