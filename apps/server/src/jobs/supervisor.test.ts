import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inOneGo, jobOf, smallTraining } from '../../test/jobs.js'
import { openState } from '../state/open-state.js'
import { openStorage } from '../state/open-storage.js'
import type { JobRecord, State } from '../state/state.js'
import type { Storage } from '../state/storage.js'
import { takeSnapshot } from './images.js'
import { createSupervisor, maxCrashes } from './supervisor.js'

let data: string
let state: State
let storage: Storage
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'cflow-jobs-'))
  state = await openState({ data })
  storage = await openStorage({ data })
})
afterAll(async () => {
  await state.close()
  await rm(data, { recursive: true, force: true })
})

/** A supervisor of short slices that tells the process of each. */
function supervising(onStart: (pid: number) => void = () => undefined, timing = {}) {
  return createSupervisor({
    ...{ state, storage, work: join(data, 'work'), worker: 'test', threads: 1 },
    timing: { slice: 1, heartbeat: 100, lease: 5000, checkpoint: 0, progress: 0, ...timing },
    log: (_level, { pid }: { pid?: number }) => pid !== undefined && onStart(pid),
  })
}

const never = new AbortController().signal

async function finish(supervisor: ReturnType<typeof createSupervisor>, job: JobRecord) {
  await state.jobs.add(job)
  for (let slices = 0; ; slices++) {
    const ended = await supervisor.runOne(never, job.id)
    const record = (await state.jobs.get(job.id))!
    if (record.status !== 'queued') return { record, slices: slices + 1, ended }
    if (slices > 40) throw new Error('it does not end')
  }
}

interface Files {
  readonly [name: string]: { readonly key: string; readonly digest: string }
}
const filesOf = ({ result }: JobRecord) => result?.['files'] as Files
const eventsOf = async ({ id }: JobRecord) => (await state.jobs.events(id, 0)).map((e) => e.event)

/** Ends a process, which on a quick machine may have ended by itself. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

it('a training in slices, whose process is killed in between, gives the bytes of one in one go', async () => {
  const request = smallTraining()
  let starts = 0
  const supervisor = supervising((pid) => {
    // once while it starts, once while it learns
    if (++starts === 2) setTimeout(() => killed(pid), 30)
    if (starts === 4) setTimeout(() => killed(pid), 1500)
  })
  const { record, slices } = await finish(supervisor, jobOf({ ...request, detector: 'mesh' }))
  expect(record.error).toBeUndefined()
  expect(record.status).toBe('succeeded')
  expect(slices).toBeGreaterThan(2)
  const files = filesOf(record)
  expect(files['model.onnx']!.digest).toBe(await inOneGo(request))
  expect(Object.keys(files).sort()).toEqual(['metrics.json', 'model.onnx', 'report.html', 'scores.csv']) // prettier-ignore
  const types = (await eventsOf(record)).map((event) => event['type'])
  expect(types).toEqual(expect.arrayContaining(['started', 'resumed', 'paused', 'crashed', 'progress', 'ended'])) // prettier-ignore
  expect(await state.detectors.get('mesh')).toMatchObject({ active: 1 })
  const version = (await state.detectors.version('mesh', 1))!
  expect(version).toMatchObject({ digest: files['model.onnx']!.digest, source: { kind: 'job', job: record.id } }) // prettier-ignore
  expect(version.summary).toMatchObject({ method: 'cflow', category: 'mesh', inputSize: 64 })
  // nothing is left of the way there
  expect((await storage.list(`jobs/${record.id}/`)).length).toBe(4)
  expect(await readdir(join(data, 'work'))).toEqual([])
})

it('a job whose process always dies is given up', async () => {
  const supervisor = supervising(killed)
  const { record, slices } = await finish(supervisor, jobOf(smallTraining()))
  expect(record).toMatchObject({ status: 'failed', error: { code: 'CRASHED' } })
  expect(slices).toBe(maxCrashes)
})

it('a job that is cancelled ends while it runs, and leaves nothing', async () => {
  const job = jobOf(smallTraining(0, 400))
  const supervisor = supervising(() => setTimeout(() => void state.jobs.requestCancel(job.id, 1), 500), { slice: 60_000 }) // prettier-ignore
  const { record, slices } = await finish(supervisor, job)
  expect([record.status, slices]).toEqual(['cancelled', 1])
  expect(await storage.list(`jobs/${job.id}/`)).toEqual([])
})

it('a worker that ends hands its job back with what it had', async () => {
  const job = jobOf(smallTraining(0, 400))
  await state.jobs.add(job)
  const ending = new AbortController()
  const supervisor = supervising(undefined, { slice: 60_000 })
  const running = supervisor.runOne(ending.signal, job.id)
  while (
    ((await state.jobs.get(job.id))!.progress?.['done'] as number) < 2 ||
    (await state.jobs.get(job.id))!.progress?.['stage'] !== 'train'
  )
    await new Promise((resolve) => setTimeout(resolve, 50))
  ending.abort()
  expect(await running).toEqual({ id: job.id, end: 'continues' })
  const record = (await state.jobs.get(job.id))!
  expect(record).toMatchObject({ status: 'queued', crashes: 0 })
  expect(await storage.size(record.checkpoint!)).toBeGreaterThan(1000)
  await state.jobs.requestCancel(job.id, 1)
})

it('a worker that was away too long does not end what another one took', async () => {
  const job = jobOf(smallTraining(0, 400))
  await state.jobs.add(job)
  const supervisor = supervising(undefined, { slice: 60_000 })
  const running = supervisor.runOne(never, job.id)
  while ((await state.jobs.get(job.id))!.status !== 'running')
    await new Promise((resolve) => setTimeout(resolve, 20))
  // as if it had slept
  await state.jobs.renew(job.id, (await state.jobs.get(job.id))!.lease!.token, 0)
  expect(await state.jobs.lease('other', 'theirs', Date.now() + 60_000, job.id)).toBeDefined()
  expect(await running).toEqual({ id: job.id, end: 'lost' })
  expect((await state.jobs.get(job.id))!.lease).toMatchObject({ token: 'theirs' })
})

it('chooses settings and trains with them; in slices, killed in between, it goes on from the candidates that are done', async () => {
  const settings = {
    method: 'padim' as const,
    inputSize: 64,
    seed: 3,
    encoder: 'efficientnet-lite0',
  }
  const example = { kind: 'mesh' as const, train: 12, test: 2, size: 64 }
  const job = () => jobOf({ kind: 'tune', example, settings, minutes: 60, train: true, detector: 'chosen' }) // prettier-ignore
  const tableOf = async (record: JobRecord) => JSON.parse(await readFile(await storage.file(filesOf(record)['tuned.json']!.key), 'utf8')) as { changes: object; candidates: { name: string; quality: object }[] } // prettier-ignore
  const found = async (record: JobRecord) => {
    const { changes, candidates } = await tableOf(record)
    return { changes, candidates: candidates.map(({ name, quality }) => ({ name, quality })) }
  }
  const whole = await finish(supervising(undefined, { slice: 600_000 }), job())
  expect(whole.record.error).toBeUndefined()
  expect(Object.keys(filesOf(whole.record))).toEqual(expect.arrayContaining(['report.html', 'tuned.json', 'model.onnx'])) // prettier-ignore
  expect(whole.record.result).toMatchObject({ settings, explanation: expect.any(String) })
  expect(await state.detectors.version('chosen', 1)).toMatchObject({ summary: { method: 'padim' } })
  const sliced = job()
  let deaths = 0
  let timer: NodeJS.Timeout | undefined
  const supervisor = supervising(
    (pid) => {
      clearInterval(timer)
      timer = setInterval(() => {
        void state.jobs.get(sliced.id).then((record) => {
          if (!record?.checkpoint || record.endedAt !== undefined || deaths >= 2) return
          clearInterval(timer)
          if (deaths++ < 2) setTimeout(() => killed(pid), 200)
        })
      }, 20)
    },
    { slice: 2500 },
  )
  const pieces = await finish(supervisor, sliced)
  clearInterval(timer)
  expect(pieces.record.error).toBeUndefined()
  expect(pieces.slices).toBeGreaterThan(2)
  expect(deaths).toBe(2)
  expect(await found(pieces.record)).toEqual(await found(whole.record))
  const digestOf = ({ record }: { record: JobRecord }) => filesOf(record)['model.onnx']!.digest
  expect(digestOf(pieces)).toBe(digestOf(whole))
})

it('learns from a data set as it was when it was asked for, and measures a detector on it', async () => {
  const { train, test } = syntheticDataset({ kind: 'cable', train: 6, test: 6, size: 64 })
  await state.datasets.create({ id: 'cables', createdAt: 1 })
  const add = async (path: string, content: Uint8Array) => {
    const digest = createHash('sha256').update(content).digest('hex')
    const key = `datasets/cables/1/${digest}`
    await storage.put(key, content)
    await state.datasets.putFile({ dataset: 'cables', path, digest, bytes: content.length, key })
  }
  for (const [i, sample] of [...train, ...test].entries())
    await add(`${sample.split}/${sample.defect}/${i}.png`, await encodePng(await sample.load()))
  const supervisor = supervising(undefined, { slice: 60_000 })
  const job = jobOf({ kind: 'train', dataset: 'cables', settings: { method: 'padim', inputSize: 64 }, detector: 'cable' }) // prettier-ignore
  await takeSnapshot({ state, storage }, job.id, 'cables')
  await add('train/good/late.png', Buffer.from('no image at all'))
  const { record } = await finish(supervisor, job)
  expect(record.error).toBeUndefined()
  const summary = record.result!['summary'] as { category: string }
  expect(summary.category).toBe('cables')
  expect((await eventsOf(record)).filter((e) => e['type'] === 'log').length).toBeGreaterThan(0)

  const measured = jobOf({ kind: 'evaluate', dataset: 'cables', detector: 'cable' })
  await takeSnapshot({ state, storage }, measured.id, 'cables')
  const evaluated = await finish(supervisor, measured)
  expect(evaluated.record.error).toBeUndefined()
  expect(Object.keys(filesOf(evaluated.record)).sort()).toEqual(['metrics.json', 'report.html', 'scores.csv']) // prettier-ignore
  const imageOf = ({ result }: JobRecord) => (result!['image'] as { auroc: number }).auroc
  expect(imageOf(evaluated.record)).toBe(imageOf(record))

  const damaged = jobOf({ kind: 'train', dataset: 'cables', settings: { method: 'padim', inputSize: 64 } }) // prettier-ignore
  await takeSnapshot({ state, storage }, damaged.id, 'cables')
  const failed = await finish(supervisor, damaged)
  expect(failed.record).toMatchObject({ status: 'failed', crashes: 0, error: { code: 'IMAGE' } })
  expect(failed.record.error!.message).not.toContain(data)
})
