import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, without, type RestartableService } from '../../test/services.js'
import { openState } from './open-state.js'
import { openPostgres } from './postgres.js'
import { openSqlite } from './sqlite.js'
import type { JobRecord, State, VersionRecord } from './state.js'

const drivers = [
  { name: 'SQLite', reason: undefined },
  { name: 'PostgreSQL', reason: without.postgres },
]

for (const { name, reason } of drivers)
  describe.skipIf(reason)(`records in ${name}`, () => {
    let data: string
    let service: RestartableService | undefined
    let state: State
    /** The same records, as another process sees them. */
    let other: State
    const open = () => openState({ data, databaseUrl: service?.url })
    beforeAll(async () => {
      data = await mkdtemp(join(tmpdir(), 'cflow-state-'))
      service = name === 'PostgreSQL' ? await startPostgres() : undefined
      // two that make the tables at once
      ;[state, other] = await Promise.all([open(), open()])
    })
    afterAll(async () => {
      await Promise.all([state.close(), other.close()])
      await service?.stop()
      await rm(data, { recursive: true, force: true })
    })

    const job = (fields: Partial<JobRecord> = {}): JobRecord => ({
      id: randomUUID(),
      kind: 'train',
      input: { dataset: 'parts' },
      status: 'queued',
      createdAt: Date.now(),
      cancelRequested: false,
      crashes: 0,
      ...fields,
    })
    const soon = () => Date.now() + 60_000
    const version = (detector: string, key = randomUUID()): Omit<VersionRecord, 'version'> => ({
      ...{
        detector,
        createdAt: 1,
        digest: 'ab',
        bytes: 2 ** 40,
        key,
        summary: { method: 'padim' },
      },
      source: { kind: 'upload' },
    })
    /** Nothing waits from tests before. */
    const drain = async () => {
      for (let found; (found = await state.jobs.lease('drain', 'drain', soon()));)
        await state.jobs.release(found.id, 'drain', { status: 'cancelled', at: 1 })
    }

    it('keeps tokens by their hash, and when they were revoked first', async () => {
      const token = {
        id: 't',
        name: 'line 1',
        hash: 'h',
        scopes: ['read', 'train'],
        createdAt: 5,
      } as const
      await state.tokens.add(token)
      await state.tokens.add({ ...token, id: 'u', hash: 'i', createdAt: 6, expiresAt: 2 ** 45 })
      expect(await other.tokens.byHash('h')).toEqual(token)
      expect(await other.tokens.byHash('H')).toBeUndefined()
      expect(await state.tokens.revoke('t', 7)).toBe(true)
      expect(await state.tokens.revoke('t', 9)).toBe(true)
      expect(await state.tokens.revoke('x', 9)).toBe(false)
      expect((await other.tokens.list()).map((t) => [t.id, t.revokedAt, t.expiresAt])).toEqual([
        ['t', 7, undefined],
        ['u', undefined, 2 ** 45],
      ])
    })

    it('counts versions, never gives one twice, and rolls back to what was active', async () => {
      const { detectors } = state
      const numbers = await Promise.all(
        [state, other, state, other].map((s) => s.detectors.addVersion(version('d'), { activate: false })), // prettier-ignore
      )
      expect(numbers.map((v) => v.version).sort()).toEqual([1, 2, 3, 4])
      expect(await detectors.get('d')).toEqual({ id: 'd', createdAt: 1 })
      for (const n of [1, 2, 3, 3]) expect(await detectors.activate('d', n)).toBe(true)
      expect(await detectors.activate('d', 5)).toBe(false)
      expect(await detectors.activate('e', 1)).toBe(false)
      await expect(detectors.removeVersion('d', 3)).rejects.toMatchObject({ code: 'CONFLICT' })
      const key = (await detectors.version('d', 2))!.key
      expect(await detectors.removeVersion('d', 2)).toEqual([key])
      expect(await detectors.removeVersion('d', 2)).toBeUndefined()
      expect(await detectors.rollBack('d')).toMatchObject({ id: 'd', active: 1 })
      expect(await detectors.rollBack('d')).toBeUndefined()
      expect(await other.detectors.get('d')).toMatchObject({ active: 1 })
      expect((await detectors.remove('d'))!.length).toBe(3)
      expect(await detectors.remove('d')).toBeUndefined()
      expect(await detectors.versions('d')).toEqual([])
      expect(await detectors.addVersion(version('d'), { activate: true })).toMatchObject({ version: 5 }) // prettier-ignore
    })

    it('tells only keys that no other version names', async () => {
      const key = randomUUID()
      for (const detector of ['p', 'q', 'q'])
        await state.detectors.addVersion(version(detector, key), { activate: false })
      expect(await state.detectors.remove('q')).toEqual([])
      expect(await state.detectors.remove('p')).toEqual([key])
    })

    it('keeps data sets, in the order of the paths’ bytes, page by page', async () => {
      const { datasets } = state
      expect(await datasets.create({ id: 's', createdAt: 1 })).toBe(true)
      expect(await other.datasets.create({ id: 's', createdAt: 2 })).toBe(false)
      const paths = [
        'train/good/ä.png',
        'Z.png',
        'a b.png',
        'a.png',
        'é/x.png',
        '😀.png',
        'a-b.png',
      ]
      const file = (path: string, digest = 'd') => ({ dataset: 's', path, digest, bytes: 3, key: `k/${digest}` }) // prettier-ignore
      for (const path of paths) expect(await datasets.putFile(file(path))).toBe(true)
      expect(await datasets.putFile({ ...file('x.png'), dataset: 'none' })).toBe(false)
      const byBytes = [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await datasets.files('s')).map((f) => f.path)).toEqual(byBytes)
      const page = await datasets.files('s', { after: byBytes[1]!, limit: 2 })
      expect(page.map((f) => f.path)).toEqual(byBytes.slice(2, 4))
      await datasets.putFile(file('a.png', 'e'))
      expect(await other.datasets.file('s', 'a.png')).toEqual(file('a.png', 'e'))
      expect(await datasets.size('s')).toEqual({ files: paths.length, bytes: 3 * paths.length })
      expect(await datasets.uses('k/e')).toBe(true)
      expect(await datasets.removeFile('s', 'a.png')).toBe(true)
      expect(await datasets.removeFile('s', 'a.png')).toBe(false)
      expect(await datasets.uses('k/e')).toBe(false)
      expect(await datasets.remove('s')).toBe(true)
      expect(await datasets.remove('s')).toBe(false)
      expect(await datasets.files('s')).toEqual([])
      expect(await datasets.size('s')).toEqual({ files: 0, bytes: 0 })
    })

    it('gives back any text as it was', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (text) => {
          const input = { text, [text]: [text] }
          const added = job({ input, status: 'failed', error: { code: 'X', message: text } })
          await state.jobs.add(added)
          expect(await other.jobs.get(added.id)).toEqual(added)
          const { event } = await state.jobs.addEvent(added.id, 1, input)
          expect((await other.jobs.events(added.id, 0))[0]!.event).toEqual(event)
        }),
        { numRuns: 25 },
      )
    })

    it('refuses a NUL character, which only one of the databases would take', async () => {
      for (const attempt of [
        () => state.datasets.file('s', 'a\0.png'),
        () => state.datasets.create({ id: 'a\0', createdAt: 1 }),
        () => state.datasets.files('s', { after: '\0' }),
      ])
        await expect(attempt()).rejects.toMatchObject({ code: 'USAGE' })
    })

    it('never gives two workers the same job', async () => {
      await drain()
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 8 }), async (count) => {
          const ids = Array.from({ length: count }, () => job())
          for (const added of ids) await state.jobs.add(added)
          const tokens = Array.from({ length: count + 3 }, () => randomUUID())
          const leased = await Promise.all(
            tokens.map(async (token, i) => ({
              token,
              found: await [state, other][i % 2]!.jobs.lease(`w${i}`, token, soon()),
            })),
          )
          const got = leased.flatMap(({ found }) => found?.id ?? [])
          expect(new Set(got).size).toBe(got.length)
          // one that stood behind another's lock comes back for the rest
          for (let rest; (rest = await state.jobs.lease('late', 'late', soon()));) {
            got.push(rest.id)
            await state.jobs.release(rest.id, 'late', { status: 'cancelled', at: 1 })
          }
          expect([...got].sort()).toEqual(ids.map(({ id }) => id).sort())
          for (const { token, found } of leased)
            if (found) expect(await state.jobs.release(found.id, token, { status: 'cancelled', at: 1 })).toBe(true) // prettier-ignore
        }),
        { numRuns: 8 },
      )
    })

    it('takes the oldest first, or the one that is asked for', async () => {
      await drain()
      const [b, a, c] = [job({ createdAt: 20 }), job({ createdAt: 10 }), job({ createdAt: 30 })]
      for (const added of [b, a, c]) await state.jobs.add(added)
      expect(await state.jobs.waiting(2)).toEqual([a.id, b.id])
      expect((await state.jobs.lease('w', '1', soon(), c.id))?.id).toBe(c.id)
      expect(await state.jobs.lease('w', '2', soon(), c.id)).toBeUndefined()
      expect((await state.jobs.lease('w', '3', soon()))?.id).toBe(a.id)
      expect((await state.jobs.list({ status: 'running' })).map(({ id }) => id)).toEqual([
        c.id,
        a.id,
      ])
      expect((await state.jobs.list({ limit: 1 })).length).toBe(1)
    })

    it('refuses everything of a worker that lost its lease', async () => {
      await drain()
      const { id } = job()
      await state.jobs.add(job({ id }))
      await state.jobs.lease('slow', 'old', Date.now() - 1)
      const taken = await other.jobs.lease('quick', 'new', soon())
      expect(taken).toMatchObject({ id, crashes: 1, lease: { token: 'new', worker: 'quick' } })
      expect(await state.jobs.renew(id, 'old', soon())).toBe(false)
      expect(await state.jobs.progress(id, 'old', { done: 1 })).toBe(false)
      expect(await state.jobs.checkpoint(id, 'old', 'k')).toBe(false)
      const promote = { version: version('fenced'), activate: true }
      expect(await state.jobs.release(id, 'old', { status: 'succeeded', at: 1, result: {}, promote })).toBe(false) // prettier-ignore
      expect(await state.detectors.get('fenced')).toBeUndefined()
      expect(await other.jobs.renew(id, 'new', soon())).toBe(true)
      expect(await other.jobs.checkpoint(id, 'new', 'k1')).toBeUndefined()
      expect(await other.jobs.checkpoint(id, 'new', 'k2')).toBe('k1')
      expect(await other.jobs.progress(id, 'new', { done: 2 })).toBe(true)
      expect(await other.jobs.release(id, 'new', { status: 'queued', crashed: false })).toBe(true)
      expect(await state.jobs.get(id)).toMatchObject({ status: 'queued', checkpoint: 'k2', progress: { done: 2 }, crashes: 1 }) // prettier-ignore
      await state.jobs.lease('w', 'third', soon())
      const done = { status: 'succeeded', at: 9, result: { a: 1 }, promote } as const
      expect(await state.jobs.release(id, 'third', done)).toBe(true)
      expect(await state.jobs.release(id, 'third', done)).toBe(false)
      const after = await other.jobs.get(id)
      expect(after).toMatchObject({ status: 'succeeded', endedAt: 9, result: { a: 1, detector: 'fenced', version: 1 } }) // prettier-ignore
      expect(after!.lease).toBeUndefined()
      expect(await state.detectors.get('fenced')).toMatchObject({ active: 1 })
      expect((await state.detectors.versions('fenced')).length).toBe(1)
    })

    it('cancels what waits at once, asks what runs, and leaves what ended', async () => {
      await drain()
      const [queued, running] = [job(), job()]
      await state.jobs.add(queued)
      expect(await state.jobs.requestCancel(queued.id, 4)).toMatchObject({ status: 'cancelled', endedAt: 4 }) // prettier-ignore
      await state.jobs.add(running)
      await state.jobs.lease('w', 't', soon())
      expect(await other.jobs.requestCancel(running.id, 5)).toMatchObject({ status: 'running', cancelRequested: true }) // prettier-ignore
      await state.jobs.release(running.id, 't', { status: 'cancelled', at: 6 })
      expect(await other.jobs.requestCancel(running.id, 7)).toMatchObject({ endedAt: 6 })
      expect(await state.jobs.requestCancel('none', 1)).toBeUndefined()
    })

    it('forgets jobs that ended, with their history, and no others', async () => {
      await drain()
      const [first, second, waits] = [job(), job(), job()]
      for (const added of [first, second, waits]) {
        await state.jobs.add(added)
        await state.jobs.addEvent(added.id, 1, { type: 'log' })
      }
      await state.jobs.requestCancel(first.id, 14)
      await state.jobs.requestCancel(second.id, 15)
      const old = async () => (await other.jobs.endedBefore(15, 1000)).includes(first.id)
      expect(await old()).toBe(true)
      expect(await other.jobs.endedBefore(15, 1000)).not.toContain(second.id)
      expect(await state.jobs.remove(waits.id)).toBe(false)
      expect(await state.jobs.remove(first.id)).toBe(true)
      expect(await state.jobs.remove(first.id)).toBe(false)
      expect(await old()).toBe(false)
      expect(await other.jobs.get(first.id)).toBeUndefined()
      expect(await other.jobs.events(first.id, 0)).toEqual([])
      expect((await other.jobs.events(waits.id, 0)).length).toBe(1)
    })

    it('numbers the events of a job without a gap, whoever adds them', async () => {
      const { id } = job()
      await state.jobs.add(job({ id, status: 'failed' }))
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => [state, other][i % 2]!.jobs.addEvent(id, i, { i })),
      )
      const events = await state.jobs.events(id, 0)
      expect(events.map((e) => e.sequence)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
      expect((await other.jobs.events(id, 18)).map((e) => e.sequence)).toEqual([19, 20])
      await expect(state.jobs.addEvent('none', 1, {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })

    it('hides a delivery from others while one tries it, and keeps the dead', async () => {
      const { sinks } = state
      const sink = {
        id: 'hook',
        kind: 'webhook',
        createdAt: 1,
        config: { url: 'http://x' },
      } as const
      await sinks.add(sink)
      expect(await other.sinks.get('hook')).toEqual(sink)
      const delivery = (id: string, nextAt: number) => ({ id, sink: 'hook', createdAt: nextAt, attempts: 0, nextAt, dead: false, payload: { id } }) // prettier-ignore
      for (const [id, at] of [
        ['a', 10],
        ['b', 20],
        ['c', 30],
      ] as const)
        expect(await sinks.enqueue(delivery(id, at), 3)).toBe(true)
      expect(await sinks.enqueue(delivery('d', 1), 3)).toBe(false)
      const [first, second] = await Promise.all([
        sinks.due(25, 100, 10),
        other.sinks.due(25, 100, 10),
      ])
      expect([...first, ...second].map((d) => d.id).sort()).toEqual(['a', 'b'])
      await sinks.delivered('a')
      await sinks.failed('b', { attempts: 3, nextAt: 0, dead: true, lastError: 'refused' })
      expect((await sinks.due(1000, 2000, 10)).map((d) => d.id)).toEqual(['c'])
      expect(await other.sinks.dead('hook')).toMatchObject([{ id: 'b', attempts: 3, lastError: 'refused' }]) // prettier-ignore
      expect(await sinks.revive('hook', 5)).toBe(1)
      expect((await sinks.due(10, 20, 10)).map((d) => [d.id, d.attempts])).toEqual([['b', 0]])
      expect(await sinks.remove('hook')).toBe(true)
      expect(await sinks.remove('hook')).toBe(false)
      expect(await sinks.due(10_000, 1, 10)).toEqual([])
    })

    it('survives being opened again, and refuses tables of a later version', async () => {
      await state.ping()
      const third = await open()
      expect(await third.tokens.byHash('h')).toMatchObject({ id: 't' })
      await third.close()
      const sql = service
        ? await openPostgres(service.url)
        : await openSqlite(join(data, 'state.db'))
      await sql.query('INSERT INTO migrations VALUES (?, ?)', [999, 1])
      await expect(open()).rejects.toMatchObject({ code: 'CONFIG' })
      await sql.query('DELETE FROM migrations WHERE version = ?', [999])
      await sql.close()
    })

    it.skipIf(name !== 'PostgreSQL')('goes on after its server was restarted', async () => {
      await state.tokens.list()
      await service!.restart()
      await state.tokens.list().catch(() => undefined)
      expect(await state.tokens.byHash('h')).toMatchObject({ id: 't' })
    })
  })
