import { temporaryFolder } from '@cflow/base/testing'
import { encoderNames } from '@cflow/encoders'
import { writeSafetensors } from '@cflow/weights'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cflow, json, tinySet } from './cflow.js'
import { writeMvtec } from './photos.js'
import { randomWeights } from './weights.js'

const name = 'mobilenet-v3-small'
const weights = randomWeights(name)
const file = Buffer.from(writeSafetensors(weights))
const sha256 = createHash('sha256').update(file).digest('hex')

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)

/** The server's file, and where it breaks the connection (once). */
let served = file
let breakAt: number | undefined
let requests: (string | undefined)[] = []
let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers.range)
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': served.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${served.length - 1}/${served.length}` }),
    })
    if (breakAt === undefined) return void response.end(served.subarray(from))
    response.write(served.subarray(from, breakAt), () => setTimeout(() => response.destroy(), 20))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w.safetensors`
  await writeMvtec(at('set'))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

let home: string
let count = 0
beforeEach(() => {
  home = at(`home${count++}`)
  vi.stubEnv('CFLOW_HOME', home)
  ;[served, breakAt, requests] = [file, undefined, []]
})
afterEach(() => vi.unstubAllEnvs())

/** Files anywhere in the cache. */
const cached = async () =>
  (await readdir(home, { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
const pull = (...flags: string[]) =>
  cflow(['encoders', 'pull', name, '--from', url, '--sha256', sha256, ...flags])

interface Listed {
  readonly name: string
  readonly weights: { readonly status: string; readonly bytes?: number }
}
const status = async () =>
  json<Listed[]>(await cflow(['encoders', 'list', '--json'])).find((e) => e.name === name)?.weights
    .status

describe('encoders list', () => {
  it('is a table with a line for each, and a way to the missing weights', async () => {
    const { code, out, err } = await cflow(['encoders', 'list'])
    expect([code, err]).toEqual([0, ''])
    for (const encoder of encoderNames) expect(out).toMatch(new RegExp(`^${encoder} .*\\d`, 'm'))
    expect(out).toMatch(
      /^efficientnet-lite0 +40 112 192 +8 16 32 +embedded \(9\.6 MB\) +Apache-2\.0$/m,
    )
    expect(out).toContain('cflow encoders pull NAME')
    const all = json<Listed[]>(await cflow(['encoders', 'list', '--json']))
    expect(all.map((e) => e.name)).toEqual(encoderNames)
    expect(all[3]).toMatchObject({
      name: 'resnet18',
      weights: { status: 'missing' },
      published: { file: 'resnet18-5c106cde.pth', sha256: '5c106cde' },
    })
  })
})

describe('encoders import', () => {
  it('asks which of two sets of weights, and takes the one that is named', async () => {
    const two = (prefix: string, factor: number) =>
      [...weights].map(([key, t]) => {
        const data = (t.data as Float32Array).map((v) => v * factor)
        return [`${prefix}.${key}`, { ...t, data }] as const
      })
    const both = writeSafetensors(new Map([...two('state_dict', 1), ...two('state_dict_ema', 0.5)]))
    await writeFile(at('both.safetensors'), both)
    const asked = await cflow(['encoders', 'import', name, at('both.safetensors')])
    expect(asked.code).toBe(2)
    expect(asked.err).toContain('2 sets of weights of mobilenet-v3-small')
    expect(asked.err).toContain('--weights-key state_dict or --weights-key state_dict_ema')
    expect(await status()).toBe('missing')
    const key = ['--weights-key', 'state_dict_ema']
    expect((await cflow(['encoders', 'import', name, at('both.safetensors'), ...key])).code).toBe(0)
    expect(await status()).toBe('cached')
    const training = ['train', ...tinySet(at('set')), '--encoder', name, ...key]
    const alone = await cflow([...training, '--out', at('keyed')])
    expect([alone.code, alone.err]).toEqual([2, expect.stringContaining('--weights')])
  })
})

describe('encoders pull', () => {
  it('downloads weights that a training then finds', async () => {
    const pulled = await pull('--json')
    expect(pulled.err).toBe('')
    expect(json(pulled)).toEqual({
      encoder: name,
      path: join(home, 'encoders', `${name}.safetensors`),
    })
    expect(await cached()).toEqual([`${name}.safetensors`])
    expect(await status()).toBe('cached')
    const again = await pull()
    expect(again.out).toContain(join(home, 'encoders'))
    expect(requests).toHaveLength(1)
    const args = ['train', ...tinySet(at('set')), '--encoder', name, '--out', at('trained')]
    expect((await cflow([...args, '--json'])).code).toBe(0)
  })

  it('shows progress, and goes on by itself where the connection broke', async () => {
    breakAt = file.length >> 1
    setTimeout(() => (breakAt = undefined), 200)
    const { code, err } = await cflow(
      ['encoders', 'pull', name, '--from', url, '--sha256', sha256],
      { columns: 80 },
    )
    expect(code).toBe(0)
    expect(err).toMatch(/mobilenet-v3-small {2}\d+\.\d MB of \d+\.\d MB {2}\d+%/)
    expect(err.endsWith('\r\u001b[K')).toBe(true)
    // how much of the half arrived before the break is the system's affair
    const [first, second] = requests
    expect(requests).toHaveLength(2)
    expect(first).toBeUndefined()
    const from = Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1])
    expect(from).toBeGreaterThan(0)
    expect(from).toBeLessThanOrEqual(file.length >> 1)
  })

  it('several at once leave one good file', async () => {
    const results = await Promise.all([pull(), pull(), pull()])
    expect(results.map((r) => r.code)).toEqual([0, 0, 0])
    expect(await cached()).toEqual([`${name}.safetensors`])
    const path = join(home, 'encoders', `${name}.safetensors`)
    const metadata = { encoder: name, license: 'BSD-3-Clause', source: 'w.safetensors' }
    expect((await readFile(path)).equals(writeSafetensors(weights, metadata))).toBe(true)
  })

  it('a file with another digest, cut off, or of another model leaves nothing', async () => {
    served = Buffer.from(file.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)))
    const changed = await pull()
    expect(changed.code).toBe(2)
    expect(changed.err).toMatch(/has the SHA-256 [0-9a-f]{64} instead of .*; the file was removed/)
    served = file.subarray(0, 4000)
    expect((await pull()).err).toMatch(/SHA-256/)
    served = file
    const other = ['encoders', 'pull', 'resnet18', '--from', url, '--sha256', sha256]
    const { code, err } = await cflow(other)
    expect(code).toBe(2)
    expect(err).toMatch(/w\.safetensors: these are not weights of resnet18: missing conv1\.weight/)
    expect(await cached()).toEqual([])
  })

  it('names the ways around a network that is not there', async () => {
    const nowhere = ['--from', 'http://127.0.0.1:9/w.pth', '--sha256', sha256]
    const { code, err } = await cflow(['encoders', 'pull', name, ...nowhere])
    expect(code).toBe(1)
    expect(err).toMatch(/127\.0\.0\.1:9.* cannot be fetched/)
    expect(err).toContain(`cflow encoders import ${name} FILE`)
    expect(err).toContain('--weights FILE')
    expect(await cached()).toEqual([])
  })

  it('refuses what it cannot check', async () => {
    for (const [flags, message] of [
      [['--sha256', sha256], /--sha256 is for a file given with --from/],
      [['--from', url, '--sha256', 'abc'], /8 to 64 hexadecimal digits/],
      [['--from', '/tmp/file.pth'], /needs an address/],
    ] as const) {
      const { code, err } = await cflow(['encoders', 'pull', name, ...flags])
      expect([code, message.test(err)]).toEqual([2, true])
    }
    expect((await cflow(['encoders', 'pull', 'vgg'])).err).toMatch(
      /no encoder called vgg[^]*use one of/,
    )
  })
})

describe('encoders import', () => {
  const stored = async (bytes: Uint8Array, as: string) => {
    await writeFile(at(as), bytes)
    return at(as)
  }
  const refused = async (path: string, message: RegExp) => {
    const { code, err } = await cflow(['encoders', 'import', name, path])
    expect(err).toMatch(message)
    expect(err).not.toMatch(/\n\s+at .*\.(ts|js):\d+/)
    expect([code, await cached()]).toEqual([2, []])
  }

  it('takes a file, and says where the weights are', async () => {
    const { code, out } = await cflow([
      'encoders',
      'import',
      name,
      await stored(file, 'mine.safetensors'),
    ])
    expect([code, out]).toEqual([
      0,
      `weights of ${name}: ${join(home, 'encoders', `${name}.safetensors`)}\n`,
    ])
    expect(await status()).toBe('cached')
  })

  it('refuses a pickle that asks for anything but tensors, and runs nothing', async () => {
    const pickle = (text: string) => Buffer.from(`\x80\x02${text}.`, 'latin1')
    const evil = Buffer.concat([
      pickle('\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19'),
      pickle('M\xe9\x03'),
      pickle('}'),
      pickle(`cposix\nsystem\n(X\x05\0\0\0touchtR`),
    ])
    await refused(
      await stored(evil, 'evil.pth'),
      /evil\.pth: .*asks for posix\.system, which is not allowed/,
    )
  })

  it('refuses damaged files and other models, and names what is wrong', async () => {
    await refused(at('none.pth'), /there is no file .*none\.pth/)
    await refused(await stored(file.subarray(0, 3000), 'cut.safetensors'), /cut\.safetensors: /)
    await refused(await stored(Buffer.from('hello'), 'text.pth'), /text\.pth: /)
    const [key, first] = [...weights][0]!
    const wrong = new Map(weights).set(key, { ...first, shape: [...first.shape].reverse() })
    await refused(
      await stored(writeSafetensors(wrong), 'shape.safetensors'),
      /features\.0\.0\.weight is \[3, 3, 3, 16\] instead of \[16, 3, 3, 3\]/,
    )
    const missing = new Map([...weights].slice(2))
    await refused(
      await stored(writeSafetensors(missing), 'missing.safetensors'),
      /missing features\.0\.0\.weight, features\.0\.1\.weight/,
    )
  })
})

describe('train --weights', () => {
  it('uses the file, and the cache stays as it is', async () => {
    await writeFile(at('given.safetensors'), file)
    const args = ['train', ...tinySet(at('set')), '--encoder', name, '--out', at('given')]
    const without = await cflow(args)
    expect(without.code).toBe(2)
    expect(without.err).toMatch(
      /weights of mobilenet-v3-small are not on this machine[^]*--weights/,
    )
    const result = await cflow([...args, '--weights', at('given.safetensors'), '--json'])
    expect(result.err).toBe('')
    expect(json(result)).toMatchObject({ detector: { encoder: name } })
    expect(await cached()).toEqual([])
  })
})
