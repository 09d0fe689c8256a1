import { noise, toyDetector } from '@cflow/core/testing'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { looping } from '../../test/looping.js'
import { readConfig, type Config } from '../index.js'
import { createMetrics } from '../http/metrics.js'
import type { DetectorFile, Engine } from './engine.js'
import { createPool } from './pool.js'

const image = noise(1, 32, 32)
let folder = ''
let detector: DetectorFile
let engine: Engine | undefined
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cflow-pool-'))
  const bytes = toyDetector()
  const path = join(folder, 'toy.onnx')
  await writeFile(path, bytes)
  detector = { path, digest: createHash('sha256').update(bytes).digest('hex') }
})
afterEach(async () => {
  await engine?.close()
  engine = undefined
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const metrics = createMetrics()
const pool = (settings: Readonly<Partial<Record<keyof Config, unknown>>> = {}) =>
  (engine = createPool(readConfig({ threads: 1, ...settings }), {
    metrics,
    log: pino({ level: 'silent' }),
  }))
const ready = async (pool: Engine) => {
  for (let i = 0; i < 400 && pool.status().ready === 0; i++)
    await new Promise((r) => setTimeout(r, 25))
}
/** Processes that this process started from a module. */
const children = (name: string): readonly number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(name))
    .map((line) => Number(line.trim().split(' ')[0]))
const workers = () => children('engine/worker')

it('refuses what would wait beyond its queue', async () => {
  const engine = pool({ maxQueue: 4, maxQueueBytes: 100_000 })
  const all = await Promise.allSettled(Array.from({ length: 10 }, () => engine.predict(detector, image))) // prettier-ignore
  const refused = all.filter((r) => r.status === 'rejected').map((r) => r.reason as unknown)
  expect(refused).toHaveLength(6)
  for (const error of refused) expect(error).toMatchObject({ code: 'OVERLOADED' })
  const large = engine.predict(detector, noise(1, 400, 400))
  await expect(large).rejects.toMatchObject({ code: 'OVERLOADED' })
})

it('replaces a worker that is killed, and what it held is answered all the same', async () => {
  const engine = pool({ maxBatch: 4 })
  const { score } = await engine.predict(detector, image)
  const all = Array.from({ length: 60 }, () => engine.predict(detector, noise(1, 300, 300)))
  const [pid] = workers()
  process.kill(pid!, 'SIGKILL')
  for (const { score: again } of await Promise.all(all)) expect(again).toBeTypeOf('number')
  expect((await engine.predict(detector, image)).score).toBe(score)
  expect(engine.status().restarts).toBe(1)
  expect(workers()).not.toContain(pid)
})

it('replaces a worker that hangs, within the time that a batch has', async () => {
  const engine = pool({ jobSeconds: 3 })
  await engine.predict(detector, image)
  const [pid] = workers()
  process.kill(pid!, 'SIGSTOP')
  const alone = engine.predict(detector, image)
  await expect(alone).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect((await engine.predict(detector, image)).score).toBeTypeOf('number')
})

it('a file that cannot be loaded fails its own images only', async () => {
  const engine = pool()
  const path = join(folder, 'broken.onnx')
  await writeFile(path, 'broken')
  const [bad, good] = await Promise.allSettled([
    engine.predict({ path, digest: '1' }, image),
    engine.predict(detector, image),
  ])
  expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'MODEL' } })
  expect(good.status).toBe('fulfilled')
})

it('forgets images that nobody waits for, and ends', async () => {
  const engine = pool({ maxBatch: 1 })
  await ready(engine)
  const gone = new AbortController()
  setMaxListeners(0, gone.signal)
  const all = Array.from({ length: 20 }, () => engine.predict(detector, image, {}, gone.signal))
  gone.abort()
  const results = await Promise.allSettled(all)
  expect(results.filter((r) => r.status === 'rejected').length).toBeGreaterThan(10)
  expect(engine.status().waiting).toBe(0)
  const last = engine.predict(detector, image)
  await engine.close(10_000)
  expect((await last).score).toBeTypeOf('number')
  await expect(engine.predict(detector, image)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(workers()).toEqual([])
})

it('keeps as many detectors as it may, whatever is asked', async () => {
  const engine = pool({ detectorsPerWorker: 2 })
  const copies = ['a', 'b', 'c'].map((digest) => ({ ...detector, digest }))
  const scores = new Set<number>()
  for (let i = 0; i < 12; i++) scores.add((await engine.predict(copies[i % 3]!, image)).score)
  expect(scores.size).toBe(1)
})

it('replaces a worker that has loaded many detectors, without a gap', async () => {
  const engine = pool({ detectorsPerWorker: 1 })
  const copies = ['a', 'b'].map((digest) => ({ ...detector, digest }))
  const scores = new Set<number>()
  const before = new Set<number>()
  for (let i = 0; i < 110; i++) {
    scores.add((await engine.predict(copies[i % 2]!, image)).score)
    if (i === 50) for (const pid of workers()) before.add(pid)
  }
  expect(scores.size).toBe(1)
  expect(engine.status().restarts).toBe(1)
  for (let i = 0; i < 100 && workers().some((pid) => before.has(pid)); i++)
    await new Promise((r) => setTimeout(r, 50))
  expect(workers().filter((pid) => before.has(pid))).toEqual([])
})

it('a model that loops is refused in time, and the next one is checked', async () => {
  const path = join(folder, 'loop.onnx')
  await writeFile(path, looping(toyDetector()))
  const impatient = pool({ validationSeconds: 4 })
  await expect(impatient.check(path)).rejects.toMatchObject({ code: 'MODEL', message: expect.stringContaining('4 s') }) // prettier-ignore
  expect(children('engine/checker')).toEqual([])
  await impatient.close()
  expect((await pool().check(detector.path)).summary).toMatchObject({ inputSize: 32 })
})

it('checks a file in a process that is ended at its limits', async () => {
  const engine = pool()
  expect((await engine.check(detector.path)).summary).toMatchObject({
    format: 'cflow-detector',
    inputSize: 32,
  })
  const impatient = pool({ validationMemory: 20_000_000 })
  await expect(impatient.check(detector.path)).rejects.toMatchObject({ code: 'MODEL' })
})
