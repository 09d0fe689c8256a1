import { temporaryFolder } from '@cflow/base/testing'
import { decodeCheckpoint } from '@cflow/trainer'
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
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
})
