import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CflowError } from '@cflow/base'
import { temporaryFolder } from '@cflow/base/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { cacheFolder, inFile, readBytes, sha256OfFile } from '../node.js'

const folder = await temporaryFolder('weights')
afterEach(() => vi.unstubAllEnvs())

it('the cache folder is CFLOW_HOME, or a folder of the system', () => {
  vi.stubEnv('CFLOW_HOME', join(folder, 'home'))
  expect(cacheFolder()).toBe(join(folder, 'home'))
  vi.stubEnv('CFLOW_HOME', '')
  vi.stubEnv('XDG_CACHE_HOME', folder)
  if (process.platform === 'linux') expect(cacheFolder()).toBe(join(folder, 'cflow'))
})

describe('what goes wrong with a file', () => {
  it('names the path', async () => {
    const path = join(folder, 'none.pth')
    for (const read of [readBytes, sha256OfFile])
      await expect(read(path)).rejects.toMatchObject({ subject: path, message: expect.stringContaining(path) as string }) // prettier-ignore
    await expect(readBytes(path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    mkdirSync(path)
    await expect(readBytes(path)).rejects.toMatchObject({ code: 'IO', subject: path })
  })

  it('keeps code and hint of an error about its contents', () => {
    const fail = () => {
      throw new CflowError('WEIGHTS', 'it is damaged', { hint: 'fetch it again' })
    }
    expect(() => inFile('a.pth', fail)).toThrow('a.pth: it is damaged')
    try {
      inFile('a.pth', fail)
    } catch (error) {
      expect(error).toMatchObject({ code: 'WEIGHTS', subject: 'a.pth', hint: 'fetch it again' })
    }
  })
})

it('sha256OfFile digests a file', async () => {
  const path = join(folder, 'abc')
  writeFileSync(path, 'abc')
  expect(await sha256OfFile(path)).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})
