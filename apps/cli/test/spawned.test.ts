import { temporaryFolder } from '@cflow/base/testing'
import { decodeCheckpoint } from '@cflow/trainer'
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cflow, tinySet } from './cflow.js'
import { writeMvtec } from './photos.js'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The command as a process of its own; `watch` sees what it writes to standard error. */
function start(
  args: readonly string[],
  watch?: (text: string, child: ChildProcess) => void,
): Promise<Ended> {
  const node = ['--conditions=@cflow/source', '--import', 'tsx', main]
  const child = spawn(process.execPath, [...node, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString()
    watch?.(err, child)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

const dir = await temporaryFolder('cli')

describe('as a process', { timeout: 120_000 }, () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    expect(await start(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  it('prints nothing but the error for a mistake', async () => {
    const { code, out, err } = await start(['train', '--root', join(dir, 'gone')])
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(/^error: there is no .*\n {2}at: .*\n {2}hint: .*\n$/)
  })

  it.skipIf(process.platform === 'win32')(
    'ends with 130 at Ctrl-C and leaves the checkpoint',
    async () => {
      await writeMvtec(join(dir, 'set'))
      const out = join(dir, 'run')
      const args = [
        'train',
        ...tinySet(join(dir, 'set')).filter((f) => f !== '--quiet'),
        '--out',
        out,
      ]
      expect((await cflow([...args, '--passes', '100000', '--stop-after', '1'])).code).toBe(0)
      const file = join(out, 'checkpoint', 'checkpoint.safetensors')
      const before = await readFile(file)
      let sent = false
      const ended = await start([...args, '--passes', '100000', '--resume'], (err, child) => {
        if (sent || !err.includes('train ')) return
        sent = true
        child.kill('SIGINT')
      })
      expect(ended.code).toBe(130)
      expect(ended.err).toMatch(/interrupted; the checkpoint is in .*: add --resume to go on\n$/)
      const { passes } = decodeCheckpoint(await readFile(file))
      expect(passes).toBeGreaterThanOrEqual(decodeCheckpoint(before).passes)
    },
  )
  it.skipIf(process.platform === 'win32')(
    'one folder takes one training, and that of a process that was killed is taken over',
    async () => {
      await writeMvtec(join(dir, 'two'))
      const out = join(dir, 'one-folder')
      const flags = tinySet(join(dir, 'two')).filter((f) => f !== '--quiet')
      const args = ['train', ...flags, '--out', out, '--passes', '100000']
      let second: Promise<Ended> | undefined
      const first = await start(args, (err, child) => {
        if (second !== undefined || !err.includes('train ')) return
        second = start(args).finally(() => child.kill('SIGKILL'))
      })
      expect(first.code).not.toBe(0)
      expect(await second).toMatchObject({
        code: 2,
        err: expect.stringMatching(/is in use by process \d+/) as string,
      })
      expect(await readdir(out)).toContain('run.lock')
      const args2 = ['train', ...flags, '--out', out, '--overwrite']
      expect(await start(args2)).toMatchObject({ code: 0 })
      expect((await readdir(out)).sort()).toEqual([
        ...['checkpoint', 'metrics.json', 'model.onnx', 'report.html', 'run.json', 'scores.csv'],
      ])
    },
  )

  it.skipIf(process.platform === 'win32')('ends with 143 at SIGTERM', async () => {
    await writeMvtec(join(dir, 'term'))
    const flags = tinySet(join(dir, 'term')).filter((f) => f !== '--quiet')
    const out = join(dir, 'terminated')
    const args = ['train', ...flags, '--out', out, '--passes', '100000']
    const ended = await start(args, (err, child) => {
      if (err.includes('train ')) child.kill('SIGTERM')
    })
    expect(ended.code === 143 || ended.code === null).toBe(true)
    await expect(readdir(out)).resolves.not.toContain('run.lock')
  })

  it.skipIf(process.platform !== 'linux')('a folder that cannot be made ends at once', async () => {
    const args = ['train', '--dataset', 'synthetic', '--out', '/proc/x/y']
    expect(await start(args)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/cannot write \/proc\/x\/y/) as string,
    })
  })
})
