import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { temporaryFolder } from '@cflow/base/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FileServer, send, serve } from '../../test/server.js'
import { download } from './download.js'

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3)
const sha256 = createHash('sha256').update(bytes).digest('hex')

const root = await temporaryFolder('download')
let folder: string
let server: FileServer | undefined

beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'))
})
afterEach(async () => {
  await server?.close()
  server = undefined
})

const target = () => join(folder, 'deep', 'file.pth')
const source = (change = {}) => ({
  url: `${server?.url}/file.pth`,
  file: 'file.pth',
  sha256: sha256.slice(0, 8),
  ...change,
})
const kept = () => readdirSync(join(folder, 'deep'))
const expectWhole = () => {
  expect(kept()).toEqual(['file.pth'])
  expect(Buffer.compare(readFileSync(target()), bytes)).toBe(0)
}

describe('download', () => {
  it.each([{}, { size: bytes.length }])('fetches a file and checks it (%j)', async (change) => {
    server = await serve((request, response) => send(bytes, request, response))
    const seen: number[] = []
    await download(source(change), target(), { onProgress: (n) => seen.push(n) })
    expectWhole()
    expect(seen.at(-1)).toBe(bytes.length)
    expect(server.ranges).toEqual([undefined])
  })

  it('goes on by itself where a connection broke', async () => {
    server = await serve((request, response, n) =>
      send(bytes, request, response, n === 0 ? 100_000 : n === 1 ? 200_000 : undefined),
    )
    await download(source({ size: bytes.length }), target())
    expectWhole()
    expect(server.ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  })

  it('goes on where an earlier call stopped', async () => {
    server = await serve((request, response, n) =>
      send(bytes, request, response, n === 0 ? 100_000 : undefined),
    )
    const failed = download(source(), target(), { attempts: 1 })
    await expect(failed).rejects.toMatchObject({ code: 'NETWORK' })
    expect(kept()).toEqual(['file.pth.part'])
    await download(source(), target())
    expectWhole()
    expect(server.ranges).toEqual([undefined, 'bytes=100000-'])
  })

  it.each([{}, { size: bytes.length }])(
    'takes a part that is whole already (%j)',
    async (change) => {
      server = await serve((request, response, n) =>
        n === 0 ? response.destroy() : send(bytes, request, response),
      )
      await expect(download(source(change), target(), { attempts: 1 })).rejects.toThrow()
      writeFileSync(`${target()}.part`, bytes)
      await download(source(change), target())
      expectWhole()
    },
  )

  it('begins again where the server knows no ranges', async () => {
    server = await serve((request, response, n) => {
      delete request.headers.range
      send(bytes, request, response, n === 0 ? 100_000 : undefined)
    })
    await download(source(), target())
    expectWhole()
  })

  it('removes a file with the wrong digest', async () => {
    server = await serve((request, response) => send(bytes.with(7, 1), request, response))
    const failed = download(source(), target())
    await expect(failed).rejects.toMatchObject({ code: 'WEIGHTS', subject: 'file.pth' })
    expect(kept()).toEqual([])
  })

  it('removes a file of the wrong size, and refuses a longer one', async () => {
    server = await serve((request, response) => send(bytes, request, response))
    const short = download(source({ size: bytes.length + 1 }), target())
    await expect(short).rejects.toMatchObject({ code: 'WEIGHTS' })
    expect(kept()).toEqual([])
    const long = download(source({ size: 1000 }), target())
    await expect(long).rejects.toMatchObject({ code: 'NETWORK' })
  })

  it('says so when the file does not exist', async () => {
    server = await serve((_, response) => response.writeHead(404).end('no'))
    const failed = download(source(), target())
    await expect(failed).rejects.toThrow(/file\.pth: the server answers 404/)
    await expect(failed).rejects.toMatchObject({ code: 'NETWORK' })
    expect(server.ranges).toHaveLength(1)
    expect(kept()).toEqual([])
  })

  it('tries again after an error of the server', async () => {
    server = await serve((request, response, n) =>
      n === 0 ? response.writeHead(503).end() : send(bytes, request, response),
    )
    await download(source(), target())
    expectWhole()
  })

  it('gives up a silent connection', async () => {
    server = await serve((_, response) => response.writeHead(200).write('a'))
    const failed = download(source(), target(), { attempts: 1, idle: 100 })
    await expect(failed).rejects.toThrow(/nothing came for too long/)
  })

  it('stops when told', async () => {
    server = await serve((_, response) => response.writeHead(200).write('a'))
    const signal = AbortSignal.timeout(100)
    const failed = download(source(), target(), { signal })
    await expect(failed).rejects.toThrow(/was stopped/)
    await expect(download(source(), target(), { signal })).rejects.toThrow(/was stopped/)
  })

  it('gives each of several downloads at the same time the whole file', async () => {
    // slow enough that all of them are under way together
    server = await serve((request, response) =>
      setTimeout(() => send(bytes, request, response), 50),
    )
    const names = ['file.pth', 'second', 'third']
    const seen: number[][] = []
    await Promise.all(
      names.map((name, i) =>
        download(source(), join(folder, 'deep', name), {
          onProgress: (n) => (seen[i] ??= []).push(n),
        }),
      ),
    )
    expect(kept()).toEqual(names)
    for (const name of names)
      expect(Buffer.compare(readFileSync(join(folder, 'deep', name)), bytes)).toBe(0)
    expect(server.ranges).toEqual([undefined, undefined, undefined])
    for (const progress of seen) expect(progress.at(-1)).toBe(bytes.length)
  })

  it.skipIf(process.platform === 'win32')(
    'takes over what a process that is gone had, and leaves alone what another one is writing',
    async () => {
      server = await serve((request, response) => send(bytes, request, response))
      mkdirSync(join(folder, 'deep'))
      const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-')
      const gone = spawnSync(process.execPath, ['-e', '']).pid
      const part = (pid: number) => join(folder, 'deep', `file.pth.${host}~${pid}~00000000.part`)
      writeFileSync(part(gone), bytes.subarray(0, 50_000))
      writeFileSync(part(process.ppid), bytes.subarray(0, 200_000))
      await download(source(), target())
      expect(server.ranges).toEqual(['bytes=50000-'])
      expect(kept().sort()).toEqual(['file.pth', basename(part(process.ppid))].sort())
      expect(Buffer.compare(readFileSync(target()), bytes)).toBe(0)
    },
  )

  it('says so when there is no network', async () => {
    const url = 'http://127.0.0.1:9/file.pth'
    const failed = download(source({ url }), target(), { attempts: 1 })
    await expect(failed).rejects.toMatchObject({ code: 'NETWORK', subject: url })
  })
})
