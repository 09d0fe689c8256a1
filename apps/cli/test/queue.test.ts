import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { writeDataset } from '@cflow/datasets/node'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cflow } from './cflow.js'
import { hasFfmpeg, writeStc } from './stc-set.js'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const redisPath = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map((dir) => join(dir, 'redis-server')).find(existsSync) // prettier-ignore
if (redisPath === undefined) console.info('skipped: there is no redis-server (apt-get install redis-server)') // prettier-ignore

const dir = await temporaryFolder('cli')

/** The command in a process of its own: a part runs in another one, with the same arguments but a few. */
function begin(args: readonly string[]) {
  const node = ['--conditions=@cflow/source', '--import', 'tsx', main]
  const child = spawn(process.execPath, [...node, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CFLOW_LEASE_SECONDS: '3' },
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = new Promise<{ readonly code: number | null; readonly err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, err })),
  )
  return { child, ended }
}
const start = (args: readonly string[]) => begin(args).ended

describe.skipIf(redisPath === undefined)('--queue', { timeout: 240_000 }, () => {
  let redis: ChildProcess
  let queue: string
  beforeAll(async () => {
    const probe = createServer()
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => probe.close(resolve))
    redis = spawn(redisPath ?? '', ['--port', String(port), '--save', '', '--dir', dir], { stdio: ['ignore', 'pipe', 'ignore'] }) // prettier-ignore
    await new Promise<void>((resolve) =>
      redis.stdout?.on('data', (text) => String(text).includes('Ready to accept') && resolve()),
    )
    queue = `redis://127.0.0.1:${port}`
  })
  afterAll(() => void redis.kill())

  it('shares the trainings of reproduce between processes; the tables are those of one', async () => {
    const dataset = syntheticDataset({ kind: 'part', size: 64, train: 8, test: 6 })
    await writeDataset({ ...dataset, category: 'transistor' }, join(dir, 'mvtec'))
    const args = (out: string) => [
      ...['reproduce', 'methods', '--mvtec', join(dir, 'mvtec'), '--input-sizes', '64'],
      ...['--recipe', 'whitened', '--passes', '1', '--threads', '1'],
      ...['--methods', 'padim,spade,patchcore', '--out', join(dir, out)],
    ]
    const ran = await Promise.all([1, 2].map(() => start([...args('shared'), '--queue', queue])))
    expect(ran.map(({ code }) => code)).toEqual([0, 0])
    const said = ran.map(({ err }) => err).join('')
    expect(said.match(/ runs here/g)).toHaveLength(3)
    const alone = await cflow([...args('alone'), '--quiet'])
    expect(alone.code).toBe(0)
    const trials = (out: string) => readdir(join(dir, out, 'trials'))
    expect(await trials('shared')).toEqual(await trials('alone'))
    const figures = async (out: string) => {
      const { data } = JSON.parse(await readFile(join(dir, out, 'methods.json'), 'utf8')) as { data: unknown } // prettier-ignore
      return JSON.stringify(data, (key, value: unknown) => (/^date$|seconds|memory|speed|perSecond/i.test(key) ? undefined : value)) // prettier-ignore
    }
    expect(await figures('shared')).toBe(await figures('alone'))
  })

  it.skipIf(!hasFfmpeg)('shares the scenes of a training', async () => {
    await writeStc(join(dir, 'stc'), [1, 2])
    const out = join(dir, 'scenes')
    const args = [
      ...['train', '--dataset', 'stc', '--root', join(dir, 'stc'), '--scenes', 'all'],
      ...['--input-size', '96', '--passes', '1', '--coupling-layers', '2', '--pool-layers', '2'],
      ...['--frame-step', '4', '--threads', '1', '--out', out, '--queue', queue],
    ]
    expect(await start(args)).toMatchObject({ code: 0 })
    expect((await readdir(out)).sort()).toEqual(['01', '02', 'metrics.json'])
    // what is finished is not trained again
    const again = await start(args)
    expect(again).toMatchObject({ code: 0 })
    expect(again.err).not.toContain('runs here')
  })

  it.skipIf(!hasFfmpeg || process.platform !== 'linux')(
    'goes on by itself where a machine dies whole, with what it had begun',
    async () => {
      const out = join(dir, 'died')
      const args = [
        ...['train', '--dataset', 'stc', '--root', join(dir, 'stc'), '--scenes', 'all'],
        ...['--input-size', '96', '--coupling-layers', '2', '--pool-layers', '2'],
        ...['--frame-step', '4', '--threads', '1', '--out', out, '--queue', queue],
      ]
      const first = begin([...args, '--passes', '4000'])
      const lock = join(out, '01', 'run.lock')
      while (!existsSync(lock)) await setTimeout(20)
      const holder = JSON.parse(await readFile(lock, 'utf8')) as { pid: number; beat: string }
      process.kill(holder.pid, 'SIGSTOP') // it shall not see its parent die
      first.child.kill('SIGKILL')
      process.kill(holder.pid, 'SIGKILL')
      await first.ended
      // as another machine finds it: no process that could be looked at
      await writeFile(lock, `${JSON.stringify({ ...holder, host: 'elsewhere' })}\n`)
      const second = await start([...args, '--passes', '1'])
      expect(second).toMatchObject({ code: 0 })
      expect((await readdir(out)).sort()).toEqual(['01', '02', 'metrics.json'])
    },
  )

  it('is told what it cannot share', async () => {
    const one = await cflow(['train', '--dataset', 'synthetic', '--queue', queue])
    expect(one).toMatchObject({ code: 2 })
    expect(one.err).toContain('one training is one part')
    const both = await cflow(['reproduce', 'table5', '--queue', queue, '--shard', '1/2'])
    expect(both.err).toContain('give --queue or --shard')
  })
})
