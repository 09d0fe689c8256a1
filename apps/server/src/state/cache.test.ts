import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { shrinkCache } from './cache.js'

const folder = await mkdtemp(join(tmpdir(), 'cflow-cache-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

it('what was used longest ago goes first, and nothing that may be in use', async () => {
  const now = Date.now()
  const minutes = { a1: 60, b1: 50, a2: 30, b2: 20, a3: 1 }
  for (const [name, ago] of Object.entries(minutes)) {
    const path = join(folder, name[0]!, name)
    await mkdir(join(folder, name[0]!), { recursive: true })
    await writeFile(path, Buffer.alloc(100))
    await utimes(path, new Date(now), new Date(now - 60_000 * ago))
  }
  await writeFile(join(folder, 'a', '.half.tmp'), Buffer.alloc(1000))
  const left = async () => (await Promise.all(['a', 'b'].map((part) => readdir(join(folder, part))))).flat().sort() // prettier-ignore
  await shrinkCache(folder, 500, now)
  expect((await left()).length).toBe(6)
  await shrinkCache(folder, 350, now)
  expect(await left()).toEqual(['.half.tmp', 'a2', 'a3', 'b2'])
  await shrinkCache(folder, 0, now)
  expect(await left()).toEqual(['.half.tmp', 'a3'])
  await shrinkCache(join(folder, 'none'), 0)
})
