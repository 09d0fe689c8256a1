import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '@cflow/base/testing'
import * as g from '@cflow/graph'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { openRuntime } from '@cflow/runtimes/web'
import * as browser from './index.browser.js'
import { loadDetector, readDetector, type ImageSource } from './index.node.js'

const bytes = toyDetector()
const image = noise(7, 20, 14)
const folder = await temporaryFolder()
let server: Server
let site: string
let png: Uint8Array

beforeAll(async () => {
  png = await encodePng(image)
  await writeFile(join(folder, 'model.onnx'), bytes)
  await writeFile(join(folder, 'a b.png'), png)
  await writeFile(join(folder, 'text.png'), 'not an image')
  server = createServer((request, response) => {
    const file = { '/model.onnx': bytes, '/image.png': png }[request.url ?? '']
    if (request.url === '/broken') response.writeHead(500).end()
    else if (file) response.end(file)
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const score = async (source: Parameters<typeof loadDetector>[0], input: ImageSource = image) => {
  const detector = await loadDetector(source)
  const detection = await detector.detect(input)
  await detector.release()
  return detection.score
}

describe('a detector loads from', () => {
  it('a path, URLs, bytes and a Blob, with the same scores', async () => {
    const path = join(folder, 'model.onnx')
    const expected = await score(path)
    const sources = [
      pathToFileURL(path),
      pathToFileURL(path).href,
      `${site}/model.onnx`,
      new URL('/model.onnx', site),
      bytes,
      bytes.slice().buffer,
      new Blob([bytes as Uint8Array<ArrayBuffer>]),
    ]
    for (const source of sources) expect(await score(source)).toBe(expected)
  })

  it('the same in browsers, and gives the same scores on WASM', async () => {
    const runtime = await openRuntime({ device: 'wasm' })
    const detector = await browser.loadDetector(`${site}/model.onnx`, { runtime })
    expect(detector.runtime).toBe('onnxruntime-web (wasm, 1 thread)')
    expect(detector.manifest).toEqual(toyManifest)
    const node = await loadDetector(bytes)
    expect(node.runtime).toBe('onnxruntime-node (cpu)')
    for (const seed of [1, 2, 3]) {
      const [a, b] = [
        await node.detect(noise(seed, 33, 21)),
        await detector.detect(noise(seed, 33, 21)),
      ]
      expect(Math.abs(a.score - b.score)).toBeLessThan(1e-4 * Math.abs(a.score))
      a.anomalyMap.data.forEach((v, i) =>
        expect(Math.abs(v - b.anomalyMap.data[i]!)).toBeLessThan(1e-4 * Math.abs(a.score)),
      )
    }
    await Promise.all([node.release(), detector.release()])
  })
})

it('is read with its manifest, without being run', async () => {
  for (const read of [readDetector, browser.readDetector]) {
    const { model, manifest } = await read(`${site}/model.onnx`)
    expect(Buffer.compare(model, bytes)).toBe(0)
    expect(manifest).toEqual(toyManifest)
  }
})

describe('an image is taken', () => {
  it('as pixels, path, URL, encoded bytes or Blob, with the same score', async () => {
    const expected = await score(bytes)
    const path = join(folder, 'a b.png')
    const rgba = new Uint8ClampedArray(4 * 20 * 14).fill(9)
    image.data.forEach((v, i) => (rgba[4 * Math.floor(i / 3) + (i % 3)] = v))
    const sources: ImageSource[] = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      `${site}/image.png`,
      png,
      Uint8Array.from(png).buffer,
      new Blob([Uint8Array.from(png)]),
      { width: 20, height: 14, data: rgba },
    ]
    for (const source of sources) expect(await score(bytes, source)).toBe(expected)
  })
})

describe('it refuses', () => {
  const onlyWhenRun = 'a manifest on another graph'
  const cases: [string, () => unknown, object][] = [
    ['a missing path', () => join(folder, 'no.onnx'), { code: 'NOT_FOUND', subject: /no\.onnx$/ }],
    ['a missing URL', () => `${site}/no.onnx`, { code: 'NOT_FOUND', subject: /no\.onnx$/ }],
    ['a failing server', () => `${site}/broken`, { code: 'NETWORK', subject: /broken$/ }],
    ['no server', () => 'http://127.0.0.1:1/x', { code: 'NETWORK', subject: /x$/ }],
    ['a folder', () => folder, { code: 'MODEL', subject: /cflow-/ }],
    ['another file', () => join(folder, 'text.png'), { code: 'MODEL', subject: /text\.png$/ }],
    ['no bytes', () => new Uint8Array(0), { code: 'MODEL', subject: /bytes/ }],
    ['a foreign ONNX file', foreign, { code: 'MODEL', subject: /bytes/ }],
    [onlyWhenRun, () => foreign(true), { code: 'MODEL', subject: /bytes/ }],
    ['a URL of another kind', () => new URL('ftp://a/b'), { code: 'USAGE', subject: /ftp/ }],
    ['what is no source', () => 5, { code: 'USAGE', subject: /source/ }],
  ]
  function foreign(manifest = false) {
    const x = g.input('x', 'float32', [1])
    const metadata = manifest ? { cflow: JSON.stringify(toyManifest) } : {}
    return g.writeOnnx({ y: g.exp(x) }, { metadata })
  }
  it.each(cases)(
    '%s',
    async (name, source, { code, subject }: { code?: string; subject?: RegExp }) => {
      const expected = {
        name: 'CflowError',
        code,
        subject: expect.stringMatching(subject as RegExp) as string,
      }
      await expect(loadDetector(source() as string)).rejects.toMatchObject(expected)
      if (name !== onlyWhenRun)
        await expect(readDetector(source() as string)).rejects.toMatchObject(expected)
    },
  )

  it('options that are wrong', async () => {
    const runtime = { name: 'x', createSession: () => Promise.reject(new Error()) }
    const refused = (options: object, code: string) =>
      expect(loadDetector(bytes, options)).rejects.toMatchObject({ code })
    await refused({ runtime, device: 'cpu' }, 'USAGE')
    await refused({ threads: 1.5 }, 'USAGE')
    await refused({ device: 'tpu' }, 'RUNTIME')
  })

  it('images that cannot be decoded or have no valid size', async () => {
    const detector = await loadDetector(bytes)
    const refused = (source: unknown, code: string) =>
      expect(detector.detect(source as string)).rejects.toMatchObject({ name: 'CflowError', code })
    await refused(join(folder, 'no.png'), 'NOT_FOUND')
    await refused(join(folder, 'text.png'), 'IMAGE')
    await refused(png.slice(0, png.length / 2), 'IMAGE')
    await refused(new Uint8Array(0), 'IMAGE')
    await refused({ width: 0, height: 4, data: new Uint8Array(0) }, 'IMAGE')
    await refused({ width: 1.5, height: 2, data: new Uint8Array(9) }, 'IMAGE')
    await refused({ width: 2, height: 2, data: new Uint8Array(11) }, 'IMAGE')
    await refused({ width: 20_000, height: 20_000, data: new Uint8Array(0) }, 'IMAGE')
    await refused({ pixels: [] }, 'IMAGE')
    await refused(undefined, 'IMAGE')
    await detector.release()
  })
})
