import { noise, toyDetector } from '@cflow/core/testing'
import { loadDetector } from '@cflow/detector'
import { once } from 'node:events'
import { beforeAll, expect, it } from 'vitest'
import WebSocket from 'ws'
import { png, serving, upload } from '../../../test/serving.js'

const { url } = await serving({ maxImageBytes: 100_000 })
const address = `${url.replace('http', 'ws')}/v1/detectors/toy/stream`
beforeAll(async () => {
  await upload(url, 'toy')
})

interface Message {
  readonly frame: number
  readonly dropped: number
  readonly anomaly_score?: number
  readonly error?: { readonly code: string }
}

async function connected(query = '') {
  const socket = new WebSocket(address + query)
  const messages: Message[] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message))
  await once(socket, 'open')
  return { socket, messages }
}
const until = async (condition: () => boolean) => {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((r) => setTimeout(r, 20))
  expect(condition()).toBe(true)
}

it('judges frames, drops those that come too fast, and the last is always judged', async () => {
  const { socket, messages } = await connected()
  const frames = await Promise.all(Array.from({ length: 40 }, (_, i) => png(noise(i, 64, 64))))
  for (const frame of frames) socket.send(frame)
  await until(() => messages.at(-1)?.frame === 40)
  const last = messages.at(-1)!
  expect(messages.length).toBeLessThan(40)
  expect(messages.length + last.dropped).toBe(40)
  const library = await loadDetector(toyDetector())
  for (const { frame, anomaly_score: score } of messages)
    expect(score).toBeCloseTo((await library.detect(noise(frame - 1, 64, 64))).score, 4)
  await library.release()
  socket.close()
})

it('answers mistakes and goes on; what is too large ends it', async () => {
  const { socket, messages } = await connected('?threshold=0')
  socket.send('text')
  await until(() => messages.length === 1)
  socket.send(Buffer.from('no image'))
  await until(() => messages.length === 2)
  socket.send(await png(noise(1, 30, 30)))
  await until(() => messages.length === 3)
  expect(messages.map((m) => m.error?.code)).toEqual(['USAGE', 'IMAGE', undefined])
  socket.send(Buffer.alloc(100_001))
  await once(socket, 'close')
  for (const [path, origin, status] of [
    ['?threshold=x', url, 400],
    ['?version=0', url, 400],
    ['', 'https://example.org', 403],
  ] as const) {
    const refused = new WebSocket(address + path, { origin })
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }] // prettier-ignore
    expect(response.statusCode).toBe(status)
    refused.on('error', () => undefined)
    refused.terminate()
  }
})
