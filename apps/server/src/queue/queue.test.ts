import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inOneGo, jobOf, smallTraining } from '../../test/jobs.js'
import {
  startPostgres,
  startRedis,
  startS3,
  without,
  type RestartableService,
  type Service,
} from '../../test/services.js'
import { openState } from '../state/open-state.js'
import type { JobRecord, State } from '../state/state.js'
import { openQueue } from './queue.js'

const log = () => undefined
/** Eight trainings and two deaths, in place of three and one: some minutes. */
const isFull = process.env['CFLOW_FULL_QUEUE_TEST'] === '1'
/** The same trainings on every queue. */
const seeds = Array.from({ length: isFull ? 8 : 3 }, (_, seed) => seed)
let expected: readonly string[]
let data: string
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'cflow-queue-'))
  expected = []
  for (const seed of seeds) expected = [...expected, await inOneGo(smallTraining(seed))]
})
afterAll(() => rm(data, { recursive: true, force: true }))

for (const [name, reason, start] of [
  ['Redis', without.redis, () => startRedis()],
  ['PostgreSQL', without.postgres, startPostgres],
] as const)
  // with Redis records and bytes lie in a folder, with PostgreSQL in that and in S3
  describe.skipIf(reason)(`a queue in ${name}`, () => {
    let bucket: Service | undefined
    let places: { data: string; databaseUrl?: string; storage?: string }
    let service: RestartableService
    let state: State
    const workers: ChildProcess[] = []
    beforeAll(async () => {
      service = await start()
      bucket = name === 'Redis' ? undefined : await startS3()
      places = { data: join(data, name), ...(bucket && { databaseUrl: service.url, storage: bucket.url }) } // prettier-ignore
      state = await openState(places)
    })
    afterAll(async () => {
      for (const worker of workers) worker.kill('SIGKILL')
      await state.close()
      await service.stop()
      await bucket?.stop()
    })

    /** A worker in a process of its own. */
    async function startWorker(): Promise<ChildProcess> {
      const config = {
        ...{
          ...places,
          queue: service.url,
          jobs: 1,
          device: 'cpu',
          threads: 1,
          logLevel: 'warn',
        },
        timing: {
          ...{ lock: 3000, stalled: 1000, again: 500, tend: 1000 },
          jobs: { slice: 1500, heartbeat: 200, lease: 3000, checkpoint: 0, progress: 0 },
        },
      }
      const path = fileURLToPath(new URL('../../test/worker-process.ts', import.meta.url))
      const flags = ['--conditions=@cflow/source', '--import', import.meta.resolve('tsx')]
      const worker = spawn(process.execPath, [...flags, path, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'pipe'] }) // prettier-ignore
      workers.push(worker)
      let printed = ''
      worker.stderr!.on('data', (chunk) => (printed += String(chunk)))
      await new Promise<void>((resolve, reject) => {
        worker.stdout!.once('data', () => resolve())
        worker.once('exit', (code) =>
          reject(new Error(`the worker ended with ${code}: ${printed}`)),
        )
      })
      return worker
    }

    it('two workers finish trainings with the bytes of single processes: one is killed, the queue is restarted', async () => {
      const queue = await openQueue(service.url, { state, log, tend: 1000 })
      const jobs = seeds.map((seed) => jobOf(smallTraining(seed)))
      for (const job of jobs) await state.jobs.add(job)
      for (const { id } of jobs.slice(0, 2)) await queue.submitted(id)
      const [first] = await Promise.all([startWorker(), startWorker()])
      const running = async () => (await state.jobs.list({ status: 'running' })).length
      const recordsOf = () => Promise.all(jobs.map(async ({ id }) => (await state.jobs.get(id))!))
      while ((await running()) < 2) await setTimeout(50)
      first!.kill('SIGKILL')
      await setTimeout(500)
      await service.restart()
      let third = await startWorker()
      if (isFull) {
        const isAtWork = (records: readonly JobRecord[]) =>
          records.filter(({ endedAt }) => endedAt !== undefined).length >= 3 &&
          records.some(({ lease }) => lease?.worker.endsWith(`-${third.pid}`))
        while (!isAtWork(await recordsOf().catch(() => []))) await setTimeout(20)
        third.kill('SIGKILL')
        third = await startWorker()
      }
      let records: readonly JobRecord[] = []
      do {
        await setTimeout(100)
        // the database may be the one that is restarted
        records = await recordsOf().catch(() => [])
      } while (records.length === 0 || records.some(({ endedAt }) => endedAt === undefined))
      expect(records.map(({ error }) => error)).toEqual(seeds.map(() => undefined))
      const crashes = records.reduce((sum, record) => sum + record.crashes, 0)
      expect(crashes).toBeGreaterThanOrEqual(isFull ? 2 : 1)
      const digests = records.map(({ result }) => (result!['files'] as Record<string, { digest: string }>)['model.onnx']!.digest) // prettier-ignore
      expect(digests).toEqual(expected)
      // a worker that is told to end does so at once where there is nothing to do
      const ended = new Promise((resolve) => third.once('exit', resolve))
      third.kill('SIGTERM')
      expect(await ended).toBe(0)
      await queue.close()
    })

    it('a job that is cancelled through the records ends wherever it runs', async () => {
      const job = jobOf(smallTraining(0, 4000))
      await state.jobs.add(job)
      while ((await state.jobs.get(job.id))!.status !== 'running') await setTimeout(50)
      await state.jobs.requestCancel(job.id, Date.now())
      while ((await state.jobs.get(job.id))!.endedAt === undefined) await setTimeout(50)
      expect((await state.jobs.get(job.id))!.status).toBe('cancelled')
    })
  })

it.skipIf(without.redis)('a Redis that would throw entries away is refused', async () => {
  const redis = await startRedis('allkeys-lru')
  const state = await openState({ data: join(data, 'refused') })
  await expect(openQueue(redis.url, { state, log })).rejects.toMatchObject({ code: 'CONFIG', subject: 'queue' }) // prettier-ignore
  await redis.stop()
  await expect(openQueue(redis.url, { state, log })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await state.close()
})
