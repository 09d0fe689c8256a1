import { noise, toyDetector } from '@cflow/core/testing'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import WebSocket from 'ws'
import { png, serving } from '../../test/serving.js'

const folder = await mkdtemp(join(tmpdir(), 'cflow-tls-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
const hasOpenssl = await promisify(execFile)('openssl', [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', key, '-out', cert, '-days', '2', ...subject],
]).then(
  () => true,
  () => false,
)
const beside = fileURLToPath(new URL('../../../web/dist', import.meta.url))
const isBuilt = existsSync(join(beside, 'index.html'))
if (!hasOpenssl) console.warn('skipped: there is no openssl to make a certificate with')
if (!isBuilt) console.warn('skipped: the web app is not built (npx nx run web:build)')

it.skipIf(!hasOpenssl)(
  'serves all it has over TLS to who trusts its certificate, and to nobody else',
  async () => {
    const { url } = await serving({ tlsCert: cert, tlsKey: key })
    expect(url).toMatch(/^https:/)
    const ca = readFileSync(cert)
    const ask = (method: string, path: string, body?: Uint8Array, trust: Buffer | undefined = ca) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const headers = { 'content-type': 'application/octet-stream' }
        const sent = request(
          url + path,
          { method, headers, ...(trust.length > 0 && { ca: trust }) },
          (answer) => {
            // prettier-ignore
            let text = ''
            answer.on('data', (part) => (text += String(part)))
            answer.on('end', () => resolve({ status: answer.statusCode!, text }))
          },
        )
        sent.on('error', reject)
        sent.end(body)
      })
    expect((await ask('GET', '/v1/health')).status).toBe(200)
    await expect(ask('GET', '/v1/health', undefined, Buffer.alloc(0))).rejects.toThrow(
      /certificate/,
    )
    await expect(fetch(`${url.replace('https', 'http')}/v1/health`)).rejects.toThrow()
    expect((await ask('POST', '/v1/detectors/toy/versions', toyDetector())).status).toBe(201)
    const image = await png(noise(1, 32, 32))
    const { status, text } = await ask('POST', '/v1/detectors/toy/predict', image)
    expect(status).toBe(200)
    const { anomaly_score: score } = JSON.parse(text) as { anomaly_score: number }
    const socket = new WebSocket(`${url.replace('https', 'wss')}/v1/detectors/toy/stream`, { ca })
    const answered = new Promise<{ anomaly_score: number }>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data: Buffer) => resolve(JSON.parse(data.toString()) as never))
    })
    socket.on('open', () => socket.send(image))
    expect((await answered).anomaly_score).toBeCloseTo(score, 5)
    socket.close()
  },
)

it.skipIf(!isBuilt)(
  'serves the web app as it is built, every file that its page names',
  async () => {
    const { url } = await serving()
    const page = await fetch(`${url}/`)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    const text = await page.text()
    const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!)
    const own = named.filter((path) => !/^(https?:|data:|#)/.test(path))
    expect(own.length).toBeGreaterThan(0)
    for (const path of own) {
      const answer = await fetch(new URL(path, `${url}/`))
      expect([path, answer.status]).toEqual([path, 200])
      if (path.endsWith('.js')) expect(answer.headers.get('content-type')).toMatch(/javascript/)
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0)
    }
  },
)
