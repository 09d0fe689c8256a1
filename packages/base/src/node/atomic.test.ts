import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CflowError } from '../errors.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeFolder, writeFileAtomic } from './atomic.js'
import { fileSize } from './file-error.js'

/** What the file system answers to the next writes; nothing makes it work. */
const failing = vi.hoisted(() => ({ code: undefined as string | undefined }))
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  const open: typeof fs.open = async (path, flags) => {
    const file = await fs.open(path, flags)
    if (failing.code === undefined) return file
    const { code } = failing
    file.writeFile = async () => {
      await file.write('half of the')
      throw Object.assign(new Error(`${code}: write`), { code })
    }
    return file
  }
  // what Linux answers below /proc, for any folder named `impossible`
  const mkdir = (async (path: string, options) => {
    if (/impossible/.test(path)) throw Object.assign(new Error('ENOENT: mkdir'), { code: 'ENOENT' })
    return fs.mkdir(path, options)
  }) as typeof fs.mkdir
  return { ...fs, open, mkdir }
})

let dir: string
beforeEach(async () => {
  failing.code = undefined
  dir = await mkdtemp(join(tmpdir(), 'cflow-atomic-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as CflowError,
  )

describe('writeFileAtomic', () => {
  it('writes, replaces, and makes folders', async () => {
    const path = join(dir, 'a', 'b', 'file.txt')
    await writeFileAtomic(path, 'one')
    await writeFileAtomic(path, new Uint8Array([116, 119, 111]))
    expect(await readFile(path, 'utf8')).toBe('two')
    expect(await readdir(join(dir, 'a', 'b'))).toEqual(['file.txt'])
  })

  it('leaves the old file and nothing else when the disk is full', async () => {
    const path = join(dir, 'file.txt')
    await writeFile(path, 'old')
    failing.code = 'ENOSPC'
    const error = await errorOf(writeFileAtomic(path, 'new'))
    expect(error).toMatchObject({ code: 'IO', subject: path })
    expect(error!.message).toBe(`cannot write ${path}: the disk is full`)
    expect(error!.hint).toMatch(/Free some space/)
    expect(await readdir(dir)).toEqual(['file.txt'])
    expect(await readFile(path, 'utf8')).toBe('old')
  })

  it('names the path where it may not write', async () => {
    failing.code = 'EACCES'
    const path = join(dir, 'file.txt')
    const error = await errorOf(writeFileAtomic(path, 'new'))
    expect(error).toMatchObject({ code: 'IO', subject: path })
    expect(error!.message).toMatch(/permission denied/)
    expect(await readdir(dir)).toEqual([])
  })

  it('refuses a path below a file, and a folder of that name', async () => {
    await writeFile(join(dir, 'file'), '')
    await mkdir(join(dir, 'folder'))
    for (const path of [join(dir, 'file', 'x'), join(dir, 'folder')])
      expect(await errorOf(writeFileAtomic(path, ''))).toMatchObject({ code: 'IO' })
    expect((await readdir(dir)).sort()).toEqual(['file', 'folder'])
  })
  it.skipIf(process.platform === 'win32')(
    'does not take the place of a pipe or a device',
    async () => {
      execFileSync('mkfifo', [join(dir, 'pipe')])
      const error = await errorOf(writeFileAtomic(join(dir, 'pipe'), ''))
      expect(error).toMatchObject({
        code: 'IO',
        message: expect.stringMatching(/pipe or a socket/),
      })
      expect(await readdir(dir)).toEqual(['pipe'])
    },
  )
})

describe('makeFolder', () => {
  it('tells the topmost folder that it made', async () => {
    expect(await makeFolder(join(dir, 'a', 'b', 'c'))).toBe(join(dir, 'a'))
    expect(await makeFolder(join(dir, 'a', 'b', 'c'))).toBeUndefined()
    expect(await makeFolder(join(dir, 'a', 'b', 'd'))).toBe(join(dir, 'a', 'b', 'd'))
  })

  it('ends with an error where the system says that what it cannot make is missing', async () => {
    for (const path of [join(dir, 'impossible'), join(dir, 'impossible', 'x', 'y')]) {
      const error = await errorOf(makeFolder(path))
      expect(error).toMatchObject({ code: 'IO', subject: path })
      expect(error!.hint).toMatch(/choose another/)
    }
  })
})

describe('fileSize', () => {
  const expected = { code: 'IMAGE', what: 'an image' } as const

  it('is that of an ordinary file; a folder and what is missing are told', async () => {
    await writeFile(join(dir, 'a.png'), '12345')
    expect(await fileSize(join(dir, 'a.png'), expected)).toBe(5)
    expect(await errorOf(fileSize(dir, expected))).toMatchObject({ code: 'IMAGE' })
    expect(await errorOf(fileSize(join(dir, 'b.png'), expected))).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it.skipIf(process.platform === 'win32')('refuses pipes and devices at once', async () => {
    execFileSync('mkfifo', [join(dir, 'x.png')])
    const pipe = await errorOf(fileSize(join(dir, 'x.png'), expected))
    expect(pipe).toMatchObject({ code: 'IMAGE', message: expect.stringMatching(/a named pipe/) })
    const device = await errorOf(fileSize('/dev/zero', expected))
    expect(device!.message).toMatch(/a device, not an image/)
  })
})
