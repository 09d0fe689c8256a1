import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateSync, crc32 } from 'node:zlib'
import sharp from 'sharp'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { looping } from '../../test/looping.js'
import { outcome, png, serving, upload } from '../../test/serving.js'

const { url, data, context } = await serving({
  ...{ maxImageBytes: 2_000_000, maxModelBytes: 5_000_000, requestSeconds: 2 },
  ...{ validationSeconds: 10, maxImagePixels: 20_000_000, maxConnections: 600 },
})
const { port } = new URL(url)
const image = await png(noise(1, 64, 64))
const predict = `${url}/v1/detectors/toy/predict`
beforeAll(async () => {
  await upload(url, 'toy')
})
/** Whatever happened, the server answers as before. */
afterEach(async () => {
  expect((await post(image)).status).toBe(200)
  const start = performance.now()
  expect((await fetch(`${url}/v1/health`)).status).toBe(200)
  expect(performance.now() - start).toBeLessThan(500)
})

const post = (body: Uint8Array | string, type = 'image/png') =>
  fetch(predict, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })

/** A PNG that says so many pixels of grey and has that many zeros, or fewer. */
function zeros(width: number, height: number, rows = height): Buffer {
  const chunk = (type: string, content: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type), content])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    sum.writeUInt32BE(crc32(named))
    return Buffer.concat([length, named, sum])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 0, 0, 0, 0], 8)
  const pixels = deflateSync(Buffer.alloc(rows * (width + 1)), { level: 9 })
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]) // prettier-ignore
}

/** What a connection answers to what is written to it. */
const raw = (text: string | Buffer, milliseconds = 8000): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setTimeout(milliseconds, () => socket.destroy())
    socket.on('data', (part) => (answer += part.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })

describe('images made to harm', () => {
  it('are refused before they are decoded when they have too many pixels', async () => {
    for (const [width, height] of [
      [10_000, 10_000],
      [60_000, 60_000],
      [2 ** 31 - 1, 1],
    ] as const)
      // prettier-ignore
      expect(await outcome(post(zeros(width, height, 0)))).toEqual([422, 'IMAGE'])
    // a whole one of 100 megapixels, of some kilobytes
    const whole = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'red' } }).png().toBuffer() // prettier-ignore
    expect(whole.length).toBeLessThan(2_000_000)
    expect(await outcome(post(whole))).toEqual([422, 'IMAGE'])
  })

  it('are refused when they are cut off, too large, or something else as well', async () => {
    expect(await outcome(post(image.subarray(0, image.length - 100)))).toEqual([422, 'IMAGE'])
    expect(await outcome(post(zeros(3000, 3000, 10)))).toEqual([422, 'IMAGE'])
    expect(await outcome(post(Buffer.alloc(2_900_001)))).toEqual([413, 'TOO_LARGE'])
    const polyglot = Buffer.concat([Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>')]) // prettier-ignore
    expect(await outcome(post(polyglot))).toEqual([422, 'IMAGE'])
    expect(await outcome(post(Buffer.concat([Buffer.from('%PDF-1.4\n'), image])))).toEqual([422, 'IMAGE']) // prettier-ignore
    // with something after its end it is the image that it is
    expect((await post(Buffer.concat([image, Buffer.from('<script>')]))).status).toBe(200)
    expect(await outcome(post(JSON.stringify({ base64: 'A'.repeat(2_700_000) }), 'application/json'))).toEqual([413, 'TOO_LARGE']) // prettier-ignore
  })
})

describe('uploads that are no detector', () => {
  const stored = async () => [
    ...(await readdir(join(data, 'incoming')).catch(() => [])),
    ...(await context.storage.list('detectors/')),
  ]
  it('are refused, and leave nothing', async () => {
    const before = await stored()
    const toy = Buffer.from(toyDetector())
    const cases: readonly (readonly [Uint8Array, number, string])[] = [
      [Buffer.alloc(0), 422, 'MODEL'],
      [Buffer.from('no model'), 422, 'MODEL'],
      [image, 422, 'MODEL'],
      [toy.subarray(0, toy.length / 2), 422, 'MODEL'],
      [Buffer.alloc(5_000_001), 413, 'TOO_LARGE'],
      // a model, but no detector
      [Buffer.from(toy.toString('latin1').replace('cflow-detector', 'other-detector'), 'latin1'), 422, 'MODEL'], // prettier-ignore
      [toyDetector({ ...toyManifest, version: 2 as 1 }), 422, 'MODEL'],
    ]
    for (const [bytes, status, code] of cases) {
      const [found, said] = await outcome(upload(url, 'bad', bytes))
      expect([found, said]).toEqual([status, code])
    }
    expect(await outcome(upload(url, 'bad', toy, `?sha256=${'0'.repeat(64)}`))).toEqual([422, 'DIGEST']) // prettier-ignore
    for (const id of ['..%2fbad', '.bad', 'a%2fb', 'a b', 'CON%00'])
      expect(await outcome(upload(url, id, toy))).toEqual([400, 'USAGE'])
    expect(await outcome(fetch(`${url}/v1/detectors/bad`))).toEqual([404, 'NOT_FOUND'])
    expect(await stored()).toEqual(before)
  })

  it('are dropped when they break off', async () => {
    const before = await stored()
    const head = `POST /v1/detectors/bad/versions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: 100000\r\n\r\n` // prettier-ignore
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(head + 'x'.repeat(1000), () => setTimeout(() => socket.destroy(), 100))
      })
      socket.on('close', () => resolve())
    })
    for (let i = 0; i < 50 && (await stored()).length > before.length; i++)
      await new Promise((r) => setTimeout(r, 50))
    expect(await stored()).toEqual(before)
  })
})

describe('a model that loops for ever', () => {
  it('is refused when its time is over, leaves nothing, and keeps nobody waiting', async () => {
    const before = await context.storage.list('')
    let refused = false
    const endless = outcome(fetch(`${url}/v1/detectors/endless/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(looping(toyDetector())),
    })).finally(() => (refused = true)) // prettier-ignore
    const times: number[] = []
    while (!refused) {
      const start = performance.now()
      expect((await post(image)).status).toBe(200)
      times.push(performance.now() - start)
      await new Promise((r) => setTimeout(r, 100))
    }
    expect(await endless).toEqual([422, 'MODEL'])
    expect(times.length).toBeGreaterThan(10)
    expect([...times].sort((a, b) => a - b)[times.length >> 1]).toBeLessThan(500)
    expect(await context.storage.list('')).toEqual(before)
    expect((await fetch(`${url}/v1/detectors/endless`)).status).toBe(404)
    expect(await readdir(join(data, 'incoming'))).toEqual([])
  })
})

describe('clients that misuse connections', () => {
  it('are cut off when headers or bodies do not come', async () => {
    const start = performance.now()
    const answers = await Promise.all([
      raw('GET /v1/health HTTP/1.1\r\nhost: localhost\r\n'),
      raw('POST /v1/detectors/toy/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nabc'), // prettier-ignore
    ])
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408/)
    expect(performance.now() - start).toBeLessThan(8000)
  })

  it('may not smuggle requests', async () => {
    const both = 'POST /v1/detectors/toy/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/tokens HTTP/1.1\r\nhost: localhost\r\n\r\n' // prettier-ignore
    const twice = 'POST /v1/detectors/toy/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\ncontent-length: 44\r\n\r\nGET /v1/tokens HTTP/1.1\r\nhost: localhost\r\n\r\n' // prettier-ignore
    const odd = 'POST /v1/detectors/toy/predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\nGET /v1/tokens HTTP/1.1\r\nhost: localhost\r\n\r\n' // prettier-ignore
    for (const text of [both, twice, odd]) {
      const answer = await raw(text, 1000)
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/)
      expect(answer).not.toContain('"tokens"')
    }
    expect(await raw(`GET /v1/health HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 1000)).toMatch(/^HTTP\/1\.1 431/) // prettier-ignore
  })

  it('may hold 500 idle connections', async () => {
    const sockets = Array.from({ length: 500 }, () => connect(Number(port), '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => undefined)
    await new Promise((r) => setTimeout(r, 300))
    expect((await post(image)).status).toBe(200)
    for (const socket of sockets) socket.destroy()
  })

  it('get no files by tricks of paths', async () => {
    for (const path of [
      '/../../etc/passwd',
      '/..%2f..%2fetc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/v1/../../../etc/passwd',
      '/docs/..%5c..%5cetc',
      '/%zz',
      '/a%00',
    ]) {
      // prettier-ignore
      const { stdout } = await promisify(execFile)('curl', ['-s', '--path-as-is', '-o', '-', '-w', '\n%{http_code}', `${url}${path}`]).catch(() => ({ stdout: '\n404' })) // prettier-ignore
      expect(stdout, path).not.toContain('root:')
      expect(stdout, path).toMatch(/\n4\d\d$/)
    }
  })

  it('in browsers reach a server without tokens from its own page only', async () => {
    const headers = { 'content-type': 'text/plain', origin: 'https://example.org' }
    expect(await outcome(fetch(predict, { method: 'POST', headers, body: image }))).toEqual([403, 'FORBIDDEN']) // prettier-ignore
    const own = { 'content-type': 'image/png', origin: url }
    expect((await fetch(predict, { method: 'POST', headers: own, body: image })).status).toBe(200)
    expect(await raw('GET /v1/detectors HTTP/1.1\r\nhost: rebound.example.org\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 403/) // prettier-ignore
  })
})
