import { connectAsync } from 'mqtt'
import { createHmac } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { jobOf, smallTraining } from '../../test/jobs.js'
import { freePort, startMqtt } from '../../test/services.js'
import type { ServerEvents, VerdictEvent } from '../http/context.js'
import { openState } from '../state/open-state.js'
import type { State } from '../state/state.js'
import { sinkInput } from './config.js'
import { tellEnded } from './enqueue.js'
import { startSinks } from './sinks.js'

let data: string
let state: State
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'cflow-sinks-'))
  state = await openState({ data })
})
afterAll(async () => {
  await state.close()
  await rm(data, { recursive: true, force: true })
})

const log = pino({ level: 'silent' })
const timing = { poll: 50, backoff: 20, attempts: 3 }
let number = 0
const add = async (input: object) => {
  const { kind, ...config } = sinkInput.parse(input)
  const id = `sink-${++number}`
  await state.sinks.add({ id, kind, createdAt: number, config })
  return id
}
const verdict = (detector: string, anomalous: boolean): VerdictEvent => ({
  ...{ at: 1_700_000_000_000, detector, version: 2, requestId: 'r', image: '17.png', anomalous },
  ...{ score: anomalous ? 9 : 1, threshold: 5, pValue: 0.5 },
})
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 1600; n++) {
    if (await done()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it does not happen')
}

/** A web server that answers what it is told to, and keeps what it was sent. */
async function receiver() {
  const got: { headers: Record<string, string | string[] | undefined>; body: string }[] = []
  const answers: number[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      got.push({ headers: request.headers, body })
      response.writeHead(answers.shift() ?? 204, { location: 'http://127.0.0.1:1/' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { url, got, answers, close: () => new Promise((resolve) => server.close(resolve)) }
}

it('a webhook is signed, tried again, and told once it is taken', async () => {
  const { url, got, answers, close } = await receiver()
  const events = new EventEmitter<ServerEvents>()
  const secret = 'a secret of the line'
  const sinks = startSinks({ state, events, log }, timing)
  const id = await add({ kind: 'webhook', url, secret, only: 'anomalous', detectors: ['d'], events: ['verdict', 'job'] }) // prettier-ignore
  await sinks.changed()
  answers.push(500, 302)
  events.emit('verdict', verdict('d', false))
  events.emit('verdict', verdict('other', true))
  events.emit('verdict', verdict('d', true))
  await until(() => got.length === 3)
  const [first, , third] = got
  expect(third!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
  const timestamp = third!.headers['webhook-timestamp'] as string
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(10)
  const signed = `${third!.headers['webhook-id'] as string}.${timestamp}.${third!.body}`
  const mac = createHmac('sha256', secret).update(signed).digest('base64')
  expect(third!.headers['webhook-signature']).toBe(`v1,${mac}`)
  expect(JSON.parse(third!.body)).toMatchObject({
    type: 'verdict',
    data: { detector: 'd', version: 2, anomaly_score: 9, anomaly_threshold: 5, is_anomalous: true, image: '17.png' }, // prettier-ignore
  })
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(got.length).toBe(3)
  expect(await state.sinks.dead(id)).toEqual([])

  // given up after so many attempts, kept, and tried again when asked
  answers.push(500, 500, 500)
  const job = {
    ...jobOf(smallTraining()),
    id: 'j',
    status: 'failed',
    input: { detector: 'other' },
  } as const
  await tellEnded(state, job)
  await tellEnded(state, { ...job, input: {} })
  await until(async () => (await state.sinks.dead(id)).length === 1)
  expect(await state.sinks.dead(id)).toMatchObject([{ attempts: 3, lastError: expect.stringContaining('500') }]) // prettier-ignore
  expect(await state.sinks.revive(id, Date.now())).toBe(1)
  await until(() => got.length === 7)
  expect(JSON.parse(got.at(-1)!.body)).toMatchObject({ type: 'job', data: { job: 'j', status: 'failed' } }) // prettier-ignore
  await sinks.close()
  await state.sinks.remove(id)
  await close()
})

it('what was not told before the server ended is told by the next one', async () => {
  const { url, got, close } = await receiver()
  const dead = `http://127.0.0.1:${await freePort()}/`
  const events = new EventEmitter<ServerEvents>()
  const config = { kind: 'webhook', secret: 'a secret of the line' }
  const id = await add({ ...config, url: dead })
  const sinks = startSinks({ state, events, log }, { ...timing, attempts: 100 })
  await sinks.changed()
  for (let n = 0; n < 5; n++) events.emit('verdict', verdict('d', true))
  await new Promise((resolve) => setTimeout(resolve, 150))
  await sinks.close()
  await state.sinks.remove(id)
  // the deliveries went with their sink: those of one that stays do not
  const kept = await add({ ...config, url })
  for (let n = 0; n < 5; n++)
    await state.sinks.enqueue({ id: `k${n}`, sink: kept, createdAt: n, attempts: 1, nextAt: 0, dead: false, payload: { type: 'verdict', timestamp: '', data: { n } } }, 10) // prettier-ignore
  const next = startSinks({ state, events, log }, timing)
  await until(() => got.length === 5)
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(new Set(got.map((g) => g.headers['webhook-id'])).size).toBe(5)
  await next.close()
  await state.sinks.remove(kept)
  await close()
})

it('an MQTT broker is told verdicts, and whether the server is there', async () => {
  const broker = await startMqtt()
  const events = new EventEmitter<ServerEvents>()
  const listener = await connectAsync(broker.url)
  const got: { topic: string; text: string; retain: boolean }[] = []
  listener.on('message', (topic, payload, { retain }) => got.push({ topic, text: String(payload), retain })) // prettier-ignore
  await listener.subscribeAsync('#', { qos: 1 })
  const sinks = startSinks({ state, events, log }, timing)
  const id = await add({ kind: 'mqtt', url: broker.url, prefix: 'line/1', homeAssistant: true })
  await sinks.changed()
  await until(() => got.some((m) => m.topic === 'line/1/status' && m.text === 'online'))
  events.emit('verdict', verdict('d', true))
  events.emit('verdict', verdict('d', false))
  await until(() => got.filter((m) => m.topic === 'line/1/d/verdict').length === 2)
  const verdicts = got.filter((m) => m.topic === 'line/1/d/verdict').map((m) => JSON.parse(m.text) as { is_anomalous: boolean }) // prettier-ignore
  expect(verdicts.map((v) => v.is_anomalous).sort()).toEqual([false, true])
  const announced = got.filter((m) => m.topic.startsWith('homeassistant/'))
  expect(announced.length).toBe(1)
  expect(JSON.parse(announced[0]!.text)).toMatchObject({ state_topic: 'line/1/d/verdict', availability_topic: 'line/1/status', device_class: 'problem' }) // prettier-ignore
  await sinks.close()
  await until(() => got.at(-1)!.topic === 'line/1/status' && got.at(-1)!.text === 'offline')
  await listener.endAsync()
  await state.sinks.remove(id)
  await broker.stop()
})
