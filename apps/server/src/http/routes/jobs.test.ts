import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { removeJobsBefore } from '../../jobs/removal.js'
import { outcome, serving, type ErrorAnswer } from '../../../test/serving.js'

const { url, context } = await serving({ jobs: 1, maxImageBytes: 12 << 20, shutdownSeconds: 2 })

const { storage } = context
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const json = (method: string, path: string, body?: unknown) =>
  fetch(url + path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
const put = (id: string, path: string, body: Uint8Array<ArrayBuffer> | string, query = '') =>
  fetch(`${url}/v1/datasets/${id}/files?path=${encodeURIComponent(path)}${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body,
  })
const bodyOf = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T
interface Upload {
  readonly id: string
  readonly offset: number
  readonly complete: boolean
}

describe('data sets', () => {
  it('take files by digest, and again without their bytes', async () => {
    expect((await json('POST', '/v1/datasets', { id: 'parts' })).status).toBe(201)
    expect(await outcome(json('POST', '/v1/datasets', { id: 'parts' }))).toEqual([409, 'EXISTS'])
    const bytes = new Uint8Array(randomBytes(3000))
    const digest = sha256(bytes)
    expect(await outcome(put('parts', 'good/a.png', '', `&sha256=${digest}`))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
    const missing = () => bodyOf<{ missing: string[] }>(json('POST', '/v1/datasets/parts/missing', { sha256: [digest] })) // prettier-ignore
    expect((await missing()).missing).toEqual([digest])
    const other = put('parts', 'good/a.png', bytes, `&sha256=${sha256(Buffer.from('x'))}`)
    expect(await outcome(other)).toEqual([422, 'DIGEST'])
    expect((await missing()).missing).toEqual([digest])
    const file = { path: 'good/a.png', bytes: 3000, sha256: digest }
    expect(await bodyOf(put('parts', 'good/a.png', bytes))).toEqual(file)
    expect((await missing()).missing).toEqual([])
    expect((await put('parts', 'bad/scratch/ä 1.png', '', `&sha256=${digest.toUpperCase()}`)).status).toBe(201) // prettier-ignore
    const listed = await bodyOf<{ files: object[] }>(json('GET', '/v1/datasets/parts/files'))
    expect(listed.files).toEqual([{ ...file, path: 'bad/scratch/ä 1.png' }, file])
    const got = await fetch(`${url}/v1/datasets/parts/file?path=good/a.png`)
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
    expect(await bodyOf(json('GET', '/v1/datasets/parts'))).toMatchObject({ files: 2, bytes: 6000 })
    expect((await json('DELETE', '/v1/datasets/parts/files?path=good/a.png')).status).toBe(204)
    expect(await outcome(json('DELETE', '/v1/datasets/parts/files?path=good/a.png'))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
  })

  it('take no name that is a path, and nothing that is too large', async () => {
    for (const path of [
      '../a.png',
      '/a.png',
      'a//b.png',
      'a/./b.png',
      'a\\b.png',
      '.hidden.png',
      'a.png/b.png',
      'con.png',
      'a\0.png',
      'notes.txt',
      'x'.repeat(300) + '.png',
    ])
      // prettier-ignore
      expect([path, ...(await outcome(put('parts', path, 'x')))]).toEqual([path, 400, 'USAGE'])
    for (const id of ['../x', '.x', 'a b', 'x'.repeat(200)])
      expect((await outcome(json('POST', '/v1/datasets', { id })))[0]).toBe(400)
    const large = new Uint8Array((12 << 20) + 1)
    expect((await outcome(put('parts', 'good/large.png', large)))[0]).toBe(413)
    // one that does not say how long it is
    const chunks = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 13; n++) controller.enqueue(new Uint8Array(1 << 20))
        controller.close()
      },
    })
    const headers = { 'content-type': 'application/octet-stream' }
    const streamed = fetch(`${url}/v1/datasets/parts/files?path=good/l.png`, { method: 'PUT', headers, body: chunks, duplex: 'half' } as RequestInit) // prettier-ignore
    expect(await outcome(streamed)).toEqual([413, 'TOO_LARGE'])
    expect(await bodyOf(json('GET', '/v1/datasets/parts'))).toMatchObject({ files: 1 })
  })

  it('go on with an upload that broke off, from what arrived', async () => {
    const bytes = new Uint8Array(randomBytes(10 << 20))
    const begin = { path: 'good/large.png', sha256: sha256(bytes), bytes: bytes.length }
    const upload = await bodyOf<Upload>(json('POST', '/v1/datasets/parts/uploads', begin))
    const address = `${url}/v1/datasets/parts/uploads/${upload.id}`
    // the client dies after 5 of 10 MiB
    await new Promise<void>((resolve) => {
      const sent = request(address, {
        method: 'PATCH',
        headers: { 'upload-offset': '0', 'content-length': bytes.length, 'content-type': 'application/octet-stream' }, // prettier-ignore
      })
      sent.on('error', () => resolve())
      sent.write(bytes.subarray(0, 5 << 20), () => setTimeout(() => sent.destroy(), 300))
    })
    let state: Upload
    do {
      await new Promise((resolve) => setTimeout(resolve, 100))
      state = await bodyOf<Upload>(fetch(address))
    } while (state.offset < 4 << 20)
    expect(state.offset).toBeLessThanOrEqual(5 << 20)
    const patch = (offset: number, body: Uint8Array<ArrayBuffer>) =>
      fetch(address, { method: 'PATCH', headers: { 'upload-offset': String(offset), 'content-type': 'application/octet-stream' }, body }) // prettier-ignore
    expect(await outcome(patch(0, bytes))).toEqual([409, 'CONFLICT'])
    const half = await bodyOf<Upload>(patch(state.offset, bytes.slice(state.offset, 8 << 20)))
    expect(half).toMatchObject({ offset: 8 << 20, complete: false })
    const done = await bodyOf<Upload>(patch(half.offset, bytes.slice(half.offset)))
    expect(done).toMatchObject({ offset: bytes.length, complete: true })
    expect(await outcome(fetch(address))).toEqual([404, 'NOT_FOUND'])
    const got = await fetch(`${url}/v1/datasets/parts/file?path=good/large.png`)
    expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(begin.sha256)
    // all is there, and the server died before it said so
    const again = await bodyOf<Upload>(json('POST', '/v1/datasets/parts/uploads', { ...begin, path: 'good/2.png' })) // prettier-ignore
    await storage.put(`uploads/parts/${again.id}/part-000000000000-${bytes.length}`, bytes)
    const last = await fetch(`${url}/v1/datasets/parts/uploads/${again.id}`, { method: 'PATCH', headers: { 'upload-offset': String(bytes.length) } }) // prettier-ignore
    expect(await last.json()).toMatchObject({ complete: true })
    expect((await fetch(`${url}/v1/datasets/parts/file?path=good/2.png`)).status).toBe(200)
    const other = await bodyOf<Upload>(json('POST', '/v1/datasets/parts/uploads', { ...begin, bytes: 3 })) // prettier-ignore
    const wrong = fetch(`${url}/v1/datasets/parts/uploads/${other.id}`, { method: 'PATCH', headers: { 'upload-offset': '0', 'content-type': 'application/octet-stream' }, body: 'abc' }) // prettier-ignore
    expect(await outcome(wrong)).toEqual([422, 'DIGEST'])
  })

  it('are gone with all their bytes when they are deleted', async () => {
    expect((await json('DELETE', '/v1/datasets/parts')).status).toBe(204)
    for (const path of ['', '/files', '/file?path=good/large.png'])
      expect(await outcome(json('GET', `/v1/datasets/parts${path}`))).toEqual([404, 'NOT_FOUND'])
    expect(await outcome(put('parts', 'good/a.png', 'x'))).toEqual([404, 'NOT_FOUND'])
  })
})

interface Job {
  readonly detector?: string
  readonly id: string
  readonly status: string
  readonly version?: number
  readonly error?: { readonly code: string }
  readonly files?: readonly { readonly name: string; readonly sha256: string }[]
}

/** Every event of a job, to its end. */
async function eventsOf(id: string, last?: number) {
  const headers = last === undefined ? {} : { 'last-event-id': String(last) }
  const answer = await fetch(`${url}/v1/jobs/${id}/events`, { headers })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const text = await answer.text()
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const [id, type, data] = ['id', 'event', 'data'].map((key) => new RegExp(`^${key}: (.*)$`, 'm').exec(block)?.[1]) // prettier-ignore
      return { id: Number(id), type, data: JSON.parse(data!) as Record<string, unknown> }
    })
}

describe('jobs', () => {
  it('train on an uploaded data set, tell how far they are, and answer as a detector', async () => {
    await json('POST', '/v1/datasets', { id: 'cables' })
    const { train, test } = syntheticDataset({ kind: 'cable', train: 6, test: 6, size: 64 })
    for (const [i, sample] of [...train, ...test].entries()) {
      const image = new Uint8Array(await encodePng(await sample.load()))
      expect((await put('cables', `${sample.split}/${sample.defect}/${i}.png`, image)).status).toBe(201) // prettier-ignore
    }
    const asked = { kind: 'train', dataset: 'cables', settings: { method: 'padim', inputSize: 64 }, detector: 'cable' } // prettier-ignore
    const answer = await json('POST', '/v1/jobs', asked)
    expect(answer.status).toBe(202)
    const { id } = (await answer.json()) as Job
    const events = await eventsOf(id)
    expect(events.map((e) => e.id)).toEqual(events.map((_, i) => i + 1))
    expect(events[0]!.type).toBe('started')
    expect(events.at(-1)).toMatchObject({ type: 'ended', data: { status: 'succeeded' } })
    const stages = events.flatMap((e) => (e.type === 'progress' ? [e.data['stage']] : []))
    expect(stages).toEqual(expect.arrayContaining(['read', 'evaluate']))
    expect(await eventsOf(id, events.length - 1)).toEqual(events.slice(-1))
    const job = await bodyOf<Job>(json('GET', `/v1/jobs/${id}`))
    expect(job).toMatchObject({ status: 'succeeded', detector: 'cable', version: 1 })
    for (const [name, type] of [
      ['report.html', 'text/html'],
      ['metrics.json', 'application/json'],
      ['scores.csv', 'text/csv'],
      ['model.onnx', 'application/octet-stream'],
    ] as const) {
      // prettier-ignore
      const file = await fetch(`${url}/v1/jobs/${id}/files/${name}`)
      expect(file.headers.get('content-type')).toContain(type)
      expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(job.files!.find((f) => f.name === name)!.sha256) // prettier-ignore
    }
    expect(await outcome(fetch(`${url}/v1/jobs/${id}/files/constructor`))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
    const image = new Uint8Array(await encodePng(await test[0]!.load()))
    const headers = { 'content-type': 'image/png' }
    const predicted = await fetch(`${url}/v1/detectors/cable/predict`, { method: 'POST', headers, body: image }) // prettier-ignore
    expect(await predicted.json()).toMatchObject({ detector: 'cable', version: 1 })
    const promoted = await json('POST', `/v1/jobs/${id}/promote`, { detector: 'cable', activate: false }) // prettier-ignore
    expect(await promoted.json()).toEqual({ detector: 'cable', version: 2 })
    const measured = await bodyOf<Job>(json('POST', '/v1/jobs', { kind: 'evaluate', dataset: 'cables', detector: 'cable', version: 2 })) // prettier-ignore
    expect((await eventsOf(measured.id)).at(-1)).toMatchObject({ data: { status: 'succeeded' } })
    expect(await outcome(json('POST', `/v1/jobs/${measured.id}/promote`, { detector: 'x' }))).toEqual([409, 'CONFLICT']) // prettier-ignore
  })

  it('take further good images up into a detector, as a version of its own', async () => {
    const settings = { method: 'spade', inputSize: 64, folds: 0 }
    const trained = await bodyOf<Job>(json('POST', '/v1/jobs', { kind: 'train', dataset: 'cables', settings, detector: 'gallery' })) // prettier-ignore
    expect((await eventsOf(trained.id)).at(-1)).toMatchObject({ data: { status: 'succeeded' } })
    const { id } = await bodyOf<Job>(json('POST', '/v1/jobs', { kind: 'update', dataset: 'cables', detector: 'gallery' })) // prettier-ignore
    expect((await eventsOf(id)).at(-1)).toMatchObject({ data: { status: 'succeeded' } })
    const job = await bodyOf<Job>(json('GET', `/v1/jobs/${id}`))
    expect(job).toMatchObject({ status: 'succeeded', detector: 'gallery', version: 2 })
    const said = await bodyOf<{ images: { before: number; after: number }[] }>(fetch(`${url}/v1/jobs/${id}/files/updated.json`)) // prettier-ignore
    expect(said.images).toHaveLength(6)
    const manifest = await bodyOf<{ history: { images: number }[] }>(json('GET', '/v1/detectors/gallery/versions/2/manifest')) // prettier-ignore
    expect(manifest.history).toMatchObject([{ images: 6 }])
    // one that has no memory says so
    const none = await bodyOf<Job>(json('POST', '/v1/jobs', { kind: 'update', dataset: 'cables', detector: 'cable' })) // prettier-ignore
    await eventsOf(none.id)
    expect(await bodyOf<Job>(json('GET', `/v1/jobs/${none.id}`))).toMatchObject({ status: 'failed', error: { code: 'USAGE' } }) // prettier-ignore
  })

  it('are refused at once where they could never be done', async () => {
    for (const [body, code] of [
      [{ kind: 'train' }, 'USAGE'],
      [{ kind: 'train', dataset: 'cables', example: { kind: 'mesh' } }, 'USAGE'],
      [{ kind: 'train', dataset: 'none' }, 'NOT_FOUND'],
      [{ kind: 'train', dataset: 'cables', settings: { method: 'padim', passes: 3 } }, 'CONFIG'],
      [{ kind: 'train', dataset: 'cables', settings: { inputSize: -1 } }, 'USAGE'],
      [{ kind: 'train', dataset: 'cables', settings: { colour: 1 } }, 'USAGE'],
      [{ kind: 'cook', dataset: 'cables' }, 'USAGE'],
      [{ kind: 'tune', dataset: 'cables', detector: 'cable' }, 'USAGE'],
      [{ kind: 'tune', dataset: 'cables', budget: 0 }, 'USAGE'],
      [{ kind: 'tune', dataset: 'cables', settings: { encoder: 'none' } }, 'NOT_FOUND'],
      [{ kind: 'evaluate', dataset: 'cables' }, 'USAGE'],
    ] as const) {
      const answer = await json('POST', '/v1/jobs', body)
      expect([body, answer.status < 500, ((await answer.json()) as ErrorAnswer).error.code]).toEqual([body, true, code]) // prettier-ignore
    }
    await json('POST', '/v1/datasets', { id: 'empty' })
    expect(await outcome(json('POST', '/v1/jobs', { kind: 'train', dataset: 'empty' }))).toEqual([422, 'EMPTY']) // prettier-ignore
    expect(await outcome(json('GET', '/v1/jobs/5d0ba3a8-5aa5-4d6f-a3a1-7a6c9ae2b6aa'))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
  })

  it('are cancelled while they run and while they wait', async () => {
    const long = { kind: 'train', example: { kind: 'mesh', train: 12, test: 0, size: 64 }, settings: { recipe: 'paper', inputSize: 64, passes: 5000, folds: 0, rotation: 0 } } // prettier-ignore
    const [first, second] = [await bodyOf<Job>(json('POST', '/v1/jobs', long)), await bodyOf<Job>(json('POST', '/v1/jobs', long))] // prettier-ignore
    while ((await bodyOf<Job>(json('GET', `/v1/jobs/${first.id}`))).status !== 'running')
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await outcome(json('DELETE', `/v1/jobs/${first.id}`))).toEqual([409, 'CONFLICT'])
    const waiting = await bodyOf<Job>(json('POST', `/v1/jobs/${second.id}/cancel`))
    expect(waiting.status).toBe('cancelled')
    expect((await eventsOf(second.id)).at(-1)).toMatchObject({ type: 'ended', data: { status: 'cancelled' } }) // prettier-ignore
    expect(await bodyOf(json('POST', `/v1/jobs/${first.id}/cancel`))).toMatchObject({ cancel_requested: true }) // prettier-ignore
    expect((await eventsOf(first.id)).at(-1)).toMatchObject({ data: { status: 'cancelled' } })
    const listed = await bodyOf<{ jobs: Job[] }>(json('GET', '/v1/jobs?status=cancelled'))
    expect(listed.jobs.map((job) => job.id).sort()).toEqual([first.id, second.id].sort())
  })

  it('are deleted with their files; what they were promoted to stays', async () => {
    const { jobs } = await bodyOf<{ jobs: Job[] }>(json('GET', '/v1/jobs?status=succeeded'))
    const trained = jobs.find((job) => job.detector === 'cable')!
    expect((await storage.list(`jobs/${trained.id}/`)).length).toBeGreaterThan(0)
    expect((await json('DELETE', `/v1/jobs/${trained.id}`)).status).toBe(204)
    expect(await storage.list(`jobs/${trained.id}/`)).toEqual([])
    for (const path of ['', '/events', '/files/model.onnx'])
      expect(await outcome(json('GET', `/v1/jobs/${trained.id}${path}`))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
    expect(await outcome(json('DELETE', `/v1/jobs/${trained.id}`))).toEqual([404, 'NOT_FOUND'])
    expect((await json('GET', '/v1/detectors/cable/versions/1/manifest')).status).toBe(200)
    // those that ended long ago go by themselves
    const { state } = context
    expect(await removeJobsBefore({ state, storage }, Date.now() + 1000)).toBeGreaterThan(2)
    expect(await bodyOf(json('GET', '/v1/jobs'))).toEqual({ jobs: [] })
    expect(await storage.list('jobs/')).toEqual([])
  })
})
