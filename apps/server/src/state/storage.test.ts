import fc from 'fast-check'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startS3, type Service } from '../../test/services.js'
import { openStorage } from './open-storage.js'
import type { Storage } from './storage.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cflow-storage-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

for (const name of ['folder', 'S3'])
  describe(`bytes in ${name}`, () => {
    let service: Service | undefined
    let storage: Storage
    beforeAll(async () => {
      service = name === 'S3' ? await startS3() : undefined
      storage = await openStorage({ data: join(dir, name), storage: service?.url })
    })
    afterAll(() => service?.stop())

    it('gives back what was put, by stream and by file', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }),
          async (chunks) => {
            const bytes = Buffer.concat(chunks)
            const digest = sha256(bytes)
            const key = `a/${digest}`
            const put = await storage.put(key, (async function* () { yield* chunks })(), { digest, maximum: bytes.length }) // prettier-ignore
            expect(put).toEqual({ digest, bytes: bytes.length })
            expect(await storage.size(key)).toBe(bytes.length)
            expect(Buffer.compare(await collect(await storage.read(key)), bytes)).toBe(0)
            for (let n = 0; n < 2; n++)
              expect(Buffer.compare(await readFile(await storage.file(key)), bytes)).toBe(0)
          },
        ),
        { numRuns: 15 },
      )
    })

    it('takes what is larger than a part of an upload', async () => {
      const part = new Uint8Array(1 << 20).map((_, i) => i * 7)
      const chunks = async function* () {
        for (let n = 0; n < 18; n++) yield part
      }
      const { digest, bytes } = await storage.put('large', chunks())
      expect(bytes).toBe(18 << 20)
      expect(sha256(await readFile(await storage.file('large')))).toBe(digest)
    })

    it('stores nothing of what is too large, is not what it should be, or breaks off', async () => {
      const large = new Uint8Array(17 << 20)
      const broken = async function* () {
        yield large
        throw new Error('the line is dead')
      }
      for (const [content, options, failure] of [
        [new Uint8Array(11), { maximum: 10 }, { code: 'TOO_LARGE' }],
        [new Uint8Array(3), { digest: sha256(new Uint8Array(4)) }, { code: 'DIGEST' }],
        [large, { digest: sha256(new Uint8Array(4)) }, { code: 'DIGEST' }],
        [broken(), {}, { message: 'the line is dead' }],
      ] as const) {
        await expect(storage.put('bad/x', content, options)).rejects.toMatchObject(failure)
        expect(await storage.size('bad/x')).toBeUndefined()
        expect(await storage.list('bad/')).toEqual([])
      }
    })

    it('says of what is missing that it is', async () => {
      for (const key of ['none', 'a', 'none/x/y']) {
        await expect(storage.read(key)).rejects.toMatchObject({ code: 'NOT_FOUND', subject: key })
        await expect(storage.file(key)).rejects.toMatchObject({ code: 'NOT_FOUND' })
        expect(await storage.size(key)).toBeUndefined()
        await storage.remove(key)
      }
    })

    it('lists and removes', async () => {
      for (const key of ['l/b', 'l/a/1', 'l/a-1', 'la']) await storage.put(key, Buffer.from(key))
      expect(await storage.list('l/')).toEqual(['l/a-1', 'l/a/1', 'l/b'])
      expect(await storage.list('l/a')).toEqual(['l/a-1', 'l/a/1'])
      await storage.file('l/b')
      await storage.remove('l/b')
      expect(await storage.list('l/')).toEqual(['l/a-1', 'l/a/1'])
      await expect(storage.file('l/b')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await storage.ping()
    })

    it('takes no key that leads elsewhere', async () => {
      const keys = ['', '/', '..', '../x', 'a/../b', 'a//b', '.x', 'a/.x', 'a\\b', 'a\0', 'ä', 'C:', 'a/', '/a', 'x'.repeat(129)] // prettier-ignore
      for (const key of keys)
        for (const attempt of [
          () => storage.put(key, new Uint8Array(1)),
          () => storage.read(key),
          () => storage.file(key),
          () => storage.size(key),
          () => storage.remove(key),
        ])
          await expect((async () => attempt())()).rejects.toMatchObject({ code: 'USAGE' })
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
          const key = `f/${text}`
          const put = await storage.put(key, Buffer.from('x')).catch((e: unknown) => e)
          if (put instanceof Error) expect(put).toMatchObject({ code: 'USAGE' })
          else expect(await storage.list('f/')).toContain(key)
        }),
        { numRuns: 30 },
      )
    })
  })

it('a bucket that is not there is told', async () => {
  const service = await startS3()
  const missing = await openStorage({ data: dir, storage: service.url.replace('cflow', 'other') })
  await expect(missing.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(missing.put('a', new Uint8Array(1))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(missing.read('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await service.stop()
})

it('a process that is killed while it writes leaves nothing that is seen, and what it left is taken away', async () => {
  const data = join(dir, 'killed')
  const script = `
    import { openStorage } from ${JSON.stringify(new URL('./open-storage.ts', import.meta.url).href)}
    const storage = await openStorage({ data: ${JSON.stringify(data)} })
    const chunks = async function* () {
      for (let n = 0; ; n++) { yield new Uint8Array(1 << 16); if (n === 20) console.log('writing'); await new Promise((r) => setTimeout(r, 1)) }
    }
    await storage.put('a/b', chunks())`
  await mkdir(data, { recursive: true })
  const path = join(data, 'writer.mts')
  await writeFile(path, script)
  const args = ['--conditions=@cflow/source', '--import', import.meta.resolve('tsx'), path]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await setTimeout(20)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const storage = await openStorage({ data })
  expect(await storage.size('a/b')).toBeUndefined()
  expect(await storage.list('')).toEqual([])
  const folder = join(data, 'files', 'a')
  const [left] = await readdir(folder)
  expect(left).toMatch(/\.tmp$/)
  await utimes(join(folder, left!), 1, 1)
  await openStorage({ data })
  expect(await readdir(folder)).toEqual([])
})
