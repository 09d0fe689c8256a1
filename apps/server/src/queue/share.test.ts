import { CflowError } from '@cflow/base'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, startRedis, without, type Service } from '../../test/services.js'
import { shareWork } from './share.js'

/** Promise.withResolvers is Node 22's. */
function deferred() {
  let resolve: (part: string) => void = () => undefined
  const promise = new Promise<string>((r) => (resolve = r))
  return { promise, resolve }
}

const timing = { lock: 1500, stalled: 300, look: 100, again: 300 }

for (const [name, reason, start] of [
  ['Redis', without.redis, () => startRedis()],
  ['PostgreSQL', without.postgres, startPostgres],
] as const)
  describe.skipIf(reason)(`work that is shared by ${name}`, () => {
    let service: Service
    beforeAll(async () => {
      service = await start()
    })
    afterAll(() => service.stop())
    const parts = Array.from({ length: 12 }, (_, i) => `${i + 1}/12`)

    it('is done once, by all of them together; who comes later finds it done', async () => {
      const done: string[] = []
      const run = async (part: string) => {
        await setTimeout(20)
        done.push(part)
      }
      const work = { url: service.url, identity: ['a', name], parts, run, timing }
      const shares = await Promise.all([shareWork(work), shareWork(work), shareWork(work)])
      expect(shares.flat().sort()).toEqual([...parts].sort())
      expect(done.sort()).toEqual([...parts].sort())
      expect(shares.filter((s) => s.length > 0).length).toBeGreaterThan(1)
    })

    it('goes on where one of them ends, or fails at a part', async () => {
      const ending = new AbortController()
      const log: string[] = []
      const work = { url: service.url, identity: ['b', name], parts, timing, log: (text: string) => log.push(text) } // prettier-ignore
      const begun = deferred()
      const first = shareWork({
        ...work,
        signal: ending.signal,
        run: (part, signal) =>
          new Promise((_, reject) => {
            begun.resolve(part)
            signal.addEventListener('abort', () => reject(new Error('ended')))
          }),
      })
      const taken = await begun.promise
      let held = 2
      const second = shareWork({
        ...work,
        async run(part) {
          if (part === '5/12') throw new Error('cannot be done')
          if (part === '7/12' && held-- > 0) throw new CflowError('BUSY', 'is held')
        },
      })
      await setTimeout(300)
      ending.abort(new Error('Ctrl-C'))
      await expect(first).rejects.toThrow('Ctrl-C')
      const done = await second
      expect([...done].sort()).toEqual(parts.filter((p) => p !== '5/12').sort())
      // of which 7/12 only when it was given free
      expect(held).toBe(-1)
      expect(done).toContain(taken === '5/12' ? '1/12' : taken)
      expect(log.join()).toContain('5/12: cannot be done')
    })
  })
