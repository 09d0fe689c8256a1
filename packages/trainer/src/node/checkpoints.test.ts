import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fileCheckpoints } from './checkpoints.js'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cflow-checkpoints-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('a checkpoint is what was written last, and nothing before that', async () => {
  const folder = join(dir, 'checkpoint')
  const store = fileCheckpoints(folder)
  expect(await store.read()).toBeUndefined()
  await store.write(new Uint8Array([1]))
  await store.write(new Uint8Array([2, 3]))
  expect([...(await store.read())!]).toEqual([2, 3])
  expect(await readdir(folder)).toHaveLength(1)
})
