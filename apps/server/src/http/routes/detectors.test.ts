import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, expect, it } from 'vitest'
import { outcome, png, serving, upload } from '../../../test/serving.js'

const web = await mkdtemp(join(tmpdir(), 'cflow-web-'))
await writeFile(join(web, 'index.html'), '<title>the app</title>')
await writeFile(join(web, '.secret'), 'x')
afterAll(() => rm(web, { recursive: true, force: true }))
const { url, context } = await serving({ web })
const image = await png(noise(1, 64, 64))
const files = ['one', 'two', 'three'].map((category) => toyDetector({ ...toyManifest, category }))
const ask = (path: string, method = 'GET', body?: Uint8Array<ArrayBuffer>) =>
  fetch(`${url}${path}`, {
    method,
    ...(body && { body, headers: { 'content-type': 'image/png' } }),
  })
const json = async (path: string, method?: string) => (await (await ask(path, method)).json()) as Record<string, unknown> // prettier-ignore
const versionUsed = async () =>
  ((await (await ask('/v1/detectors/part/predict', 'POST', image)).json()) as { version: number }).version // prettier-ignore

it('keeps versions: one answers, others can be activated, rolled back and deleted', async () => {
  for (const [i, file] of files.entries()) {
    const response = await upload(url, 'part', file, i === 2 ? '?activate=false' : '')
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({
      ...{ detector: 'part', version: i + 1, active: i < 2, bytes: file.length },
      sha256: createHash('sha256').update(file).digest('hex'),
      ...{ category: ['one', 'two', 'three'][i], input_size: 32, threshold: 17.25 },
    })
  }
  expect(await json('/v1/detectors')).toMatchObject({
    detectors: [{ id: 'part', active_version: 2, versions: 3 }],
  })
  expect(await versionUsed()).toBe(2)
  expect(await json('/v1/detectors/part/versions/3/activate', 'POST')).toMatchObject({ active_version: 3 }) // prettier-ignore
  expect(await versionUsed()).toBe(3)
  expect(await json('/v1/detectors/part/roll-back', 'POST')).toMatchObject({ active_version: 2 })
  expect(await versionUsed()).toBe(2)
  expect(await outcome(ask('/v1/detectors/part/versions/2', 'DELETE'))).toEqual([409, 'CONFLICT'])
  expect((await ask('/v1/detectors/part/versions/1', 'DELETE')).status).toBe(204)
  expect(await outcome(ask('/v1/detectors/part/versions/1'))).toEqual([404, 'NOT_FOUND'])
  // a number is never given twice
  expect(await (await upload(url, 'part', files[0])).json()).toMatchObject({ version: 4 })
  const manifest = await json('/v1/detectors/part/versions/3/manifest')
  expect(manifest).toMatchObject({ format: 'cflow-detector', category: 'three', calibration: { images: toyManifest.calibration.scores.length } }) // prettier-ignore
  const file = await ask('/v1/detectors/part/versions/3/file')
  expect(Buffer.from(await file.arrayBuffer()).equals(files[2]!)).toBe(true)
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(files[1]!)]), 'model.onnx')
  const sent = await fetch(`${url}/v1/detectors/part/versions`, { method: 'POST', body: form })
  expect(await sent.json()).toMatchObject({ version: 5, category: 'two' })
  expect((await ask('/v1/detectors/part', 'DELETE')).status).toBe(204)
  expect(await json('/v1/detectors')).toEqual({ detectors: [] })
  expect(await context.storage.list('detectors/')).toEqual([])
  for (const path of [
    '/v1/detectors/part',
    '/v1/detectors/part/drift',
    '/v1/detectors/part/versions/3/file',
  ])
    // prettier-ignore
    expect(await outcome(ask(path))).toEqual([404, 'NOT_FOUND'])
})

it('sees that scores are no longer those of calibration', async () => {
  await upload(url, 'line', files[0])
  const heard: boolean[] = []
  context.events.on('drift', ({ drifting }) => heard.push(drifting))
  const status = () => json('/v1/detectors/line/drift')
  expect(await status()).toMatchObject({ images: 0, drifting: false })
  // evenly over the ranks of calibration, as images like those that it rests on are
  const n = toyManifest.calibration.scores.length
  const event = (pValue: number) =>
    ({ at: 0, detector: 'line', version: 1, requestId: '', score: 1, threshold: 2, anomalous: pValue < 0.05, pValue }) as const // prettier-ignore
  for (let i = 0; i < 256; i++)
    context.drift.add(event((1 + (i % (n + 1))) / (n + 1)), n, [(i % 2) - 0.5, (i % 2) - 0.5])
  const steady = await status()
  expect(steady).toMatchObject({ images: 256, drifting: false })
  expect(steady['distance']).toBeLessThan(0.08)
  expect(steady['scale_shifts']).toEqual([0, 0])
  // all higher than any of them
  for (let i = 0; i < 256; i++)
    context.drift.add(event(1 / (n + 1)), n, [(i % 2) - 0.5, (i % 2) - 3.5])
  const drifted = await status()
  expect(drifted['drifting']).toBe(true)
  expect(drifted['scale_shifts']).toEqual([0, -3])
  expect(drifted['scale_p_values']).toEqual([1, expect.any(Number)])
  expect(drifted['adjusted_p_value']).toBeLessThan(0.001)
  expect(drifted['distance']).toBeCloseTo(1, 6)
  expect(heard).toEqual([true])
  const metrics = await (await ask('/metrics')).text()
  expect(metrics).toContain('cflow_drift_distance{detector="line"} 1')
  expect(metrics).toContain('cflow_drift_scale_shift{detector="line",scale="1"} -3')
})

it('describes itself, measures, and serves the web app', async () => {
  const api = (await json('/openapi.json')) as {
    readonly openapi: string
    readonly paths: Record<string, Record<string, { readonly responses: Record<string, unknown> }>>
  }
  expect(api.openapi).toBe('3.1.0')
  const predict = api.paths['/v1/detectors/{id}/predict']!['post']!
  expect(Object.keys(predict.responses)).toEqual(expect.arrayContaining(['200', '401', '404', '406', '413', '422', '429', '503'])) // prettier-ignore
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, { responses }] of Object.entries(methods))
      expect(Object.keys(responses).length, `${method} ${path}`).toBeGreaterThan(1)
  // every reference has what it refers to
  const text = JSON.stringify(api)
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    expect(text).toContain(`"${name}":{`)
  expect(text).not.toContain('#/$defs')
  expect(await (await ask('/docs')).text()).toContain('/openapi.json')
  const page = await ask('/')
  expect(await page.text()).toContain('the app')
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  for (const path of ['/.secret', '/none', '/%2e%2e/package.json'])
    expect([400, 404]).toContain((await ask(path)).status)
  expect(await json('/v1/ready')).toMatchObject({ status: 'ready', database: true, storage: true })
})

it('tells who sends a token that it is wrong, also where none is needed', async () => {
  const headers = { authorization: 'Bearer cflow_no-such-token' }
  const answer = await fetch(`${url}/v1/detectors`, { headers })
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect((await fetch(`${url}/v1/detectors`)).status).toBe(200)
  expect((await fetch(`${url}/v1/health`, { headers })).status).toBe(200)
})
