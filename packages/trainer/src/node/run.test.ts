import { temporaryFolder } from '@cflow/base/testing'
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { lockFolder } from './run-lock.js'
import { openRun, runPaths } from './run.js'

const root = await temporaryFolder('run')
let count = 0
let dir: string
beforeEach(() => {
  dir = join(root, String(count++), 'run')
})

const train = {
  command: 'train',
  results: ['model', 'metrics', 'report', 'scores'],
  checkpoint: true,
} as const
const files = { model: Uint8Array.of(1, 2), metrics: { auroc: 1 }, report: '<p>', scores: 'a' }
const names = async () => (await readdir(dir)).sort()
const whole = ['metrics.json', 'model.onnx', 'report.html', 'run.json', 'scores.csv']
const state = async () => (JSON.parse(await readFile(join(dir, 'run.json'), 'utf8')) as { state: string }).state // prettier-ignore
const failure = (code: string, hint: RegExp) =>
  expect.objectContaining({ code, hint: expect.stringMatching(hint) as string }) as unknown

async function finish(): Promise<void> {
  const run = await openRun(dir, train)
  await run.write(files)
  await run.end('complete')
}

/** A lock as another process leaves it that died. */
async function dead(holder: object = {}): Promise<void> {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  const gone = { pid, host: hostname(), since: new Date().toISOString(), ...holder }
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'run.lock'), JSON.stringify(gone))
  await writeFile(join(dir, 'run.json'), JSON.stringify({ state: 'running', command: 'train' }))
}

describe('the folder of a run', () => {
  it('is locked and running until it ends, and then complete', async () => {
    const run = await openRun(dir, train)
    expect(await names()).toEqual(['checkpoint', 'run.json', 'run.lock'])
    expect(await state()).toBe('running')
    await run.write(files)
    await run.end('complete')
    expect(await names()).toEqual(whole)
    expect(await state()).toBe('complete')
  })

  it('is one run’s at a time', async () => {
    const run = await openRun(dir, train)
    for (const overwrite of [false, true])
      await expect(openRun(dir, { ...train, overwrite })).rejects.toEqual(
        failure('BUSY', /choose another folder/),
      )
    expect(await state()).toBe('running')
    await run.end('failed')
    await finish()
    const many = Array.from({ length: 8 }, () => openRun(dir, { ...train, overwrite: true }))
    const outcomes = await Promise.allSettled(many)
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
  })

  it('is taken over from a process that died', async () => {
    await dead()
    await finish()
    expect(await names()).toEqual(whole)
  })

  it.skipIf(process.platform !== 'linux')(
    'also where its number is another process’s now',
    async () => {
      await dead({ pid: process.pid, started: '1' })
      await finish()
    },
  )

  it('is not taken over from another machine, nor from a lock that nobody can read', async () => {
    await dead({ host: 'elsewhere' })
    await expect(openRun(dir, train)).rejects.toEqual(failure('BUSY', /remove .*run\.lock/))
    await writeFile(join(dir, 'run.lock'), '{')
    await expect(openRun(dir, train)).rejects.toEqual(failure('BUSY', /remove .*run\.lock/))
  })

  it('is as it was before where nothing was written', async () => {
    const run = await openRun(dir, train)
    await run.end('failed')
    expect(await readdir(root)).not.toContain(String(count - 1))
    await finish()
    const before = await readFile(join(dir, 'run.json'), 'utf8')
    const again = await openRun(dir, { ...train, overwrite: true })
    await again.end('interrupted')
    expect(await names()).toEqual(whole)
    expect(await readFile(join(dir, 'run.json'), 'utf8')).toBe(before)
  })
})

describe('results', () => {
  it('are not replaced unless that is said', async () => {
    await finish()
    await expect(openRun(dir, train)).rejects.toEqual(failure('EXISTS', /--overwrite/))
    const evaluation = { command: 'evaluate', results: ['metrics', 'report', 'scores'] } as const
    await expect(openRun(dir, evaluation)).rejects.toEqual(failure('EXISTS', /--overwrite/))
    expect(await names()).toEqual(whole)
    for (const how of [{ overwrite: true }, { resume: true }]) {
      const run = await openRun(dir, { ...train, ...how })
      await run.write({ ...files, report: '<b>' })
      await run.end('complete')
      expect(await readFile(runPaths(dir).report, 'utf8')).toBe('<b>')
    }
  })

  it('of an earlier run do not lie beside what a later one left', async () => {
    await finish()
    const run = await openRun(dir, { ...train, overwrite: true })
    expect(await names()).toContain('model.onnx')
    await run.begin()
    await writeFile(join(runPaths(dir).checkpoint, 'checkpoint.safetensors'), '')
    await run.end('interrupted')
    expect(await names()).toEqual(['checkpoint', 'run.json'])
    expect(await state()).toBe('interrupted')
    // the checkpoint is worth something too
    await expect(openRun(dir, train)).rejects.toEqual(failure('EXISTS', /--resume .*--overwrite/))
    const resumed = await openRun(dir, { ...train, resume: true })
    await resumed.write(files)
    await resumed.end('complete')
    expect(await names()).toEqual(['checkpoint', ...whole])
  })

  it('appear together or not at all', async () => {
    const run = await openRun(dir, train)
    await mkdir(runPaths(dir).model) // comes last
    await expect(run.write(files)).rejects.toMatchObject({
      code: 'IO',
      subject: runPaths(dir).model,
    })
    await run.end('failed')
    expect(await names()).toEqual(['model.onnx', 'run.json'])
    await expect(openRun(dir, train)).rejects.toMatchObject({ code: 'IO' })
    await rm(runPaths(dir).model, { recursive: true })
    await finish()
  })

  it('of a run that died between two of them are taken away', async () => {
    await dead()
    await writeFile(runPaths(dir).metrics, '{}')
    await finish()
    // whole ones stay
    await dead()
    await expect(openRun(dir, train)).rejects.toEqual(failure('EXISTS', /--overwrite/))
  })
})

describe('a folder that several machines share', () => {
  const quick = { beat: 100, expiry: 1500 }
  const children: ChildProcess[] = []
  afterAll(() => children.forEach((child) => child.kill('SIGKILL')))

  /** A process of another machine that holds the folder, and computes all the time. */
  async function holder(path: string): Promise<ChildProcess> {
    const code = `
      import { lockFolder } from ${JSON.stringify(new URL('./run-lock.ts', import.meta.url).href)}
      const lock = await lockFolder(${JSON.stringify(dir)}, ${JSON.stringify(path)}, { beat: 100, host: 'elsewhere' })
      process.send('holds')
      process.on('message', () => lock.requireHeld().then(() => process.send('held'), (error) => process.send(error.code)))
      setInterval(() => { for (const end = Date.now() + 1900; Date.now() < end; ); }, 2000)`
    const script = `${path}.mts`
    await mkdir(dir, { recursive: true })
    await writeFile(script, code)
    const child = fork(script, [], { execArgv: ['--conditions=@cflow/source', '--import', import.meta.resolve('tsx')] }) // prettier-ignore
    children.push(child)
    expect(await once(child, 'message')).toEqual(['holds', undefined])
    return child
  }

  it('is held while its holder computes, and goes to one other when that one dies', async () => {
    const path = join(dir, 'run.lock')
    const child = await holder(path)
    await expect(lockFolder(dir, path, quick)).rejects.toMatchObject({ code: 'BUSY' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const taken = await Promise.allSettled([1, 2, 3].map(() => lockFolder(dir, path, quick)))
    const held = taken.flatMap((t) => (t.status === 'fulfilled' ? [t.value] : []))
    expect(held).toHaveLength(1)
    expect(held[0]!.tookOver).toBe(true)
    await held[0]!.release()
    expect(await names()).toEqual(['run.lock.mts'])
  })

  it.skipIf(process.platform === 'win32')(
    'is lost for who was stopped too long: it writes no more, and the lock stays the other’s',
    async () => {
      const path = join(dir, 'run.lock')
      const child = await holder(path)
      child.kill('SIGSTOP')
      const lock = await lockFolder(dir, path, quick)
      child.kill('SIGCONT')
      child.send('write?')
      expect(await once(child, 'message')).toEqual(['BUSY', undefined])
      await lock.requireHeld()
      await lock.release()
    },
  )
})
