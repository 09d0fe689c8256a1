import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** What a finished program took. */
export interface Finished {
  readonly seconds: number
  readonly output: string
}

/** Run a TypeScript file of the workspace in a process of its own. @throws with its last output when it fails */
export async function runScript(file: string, args: readonly string[]): Promise<Finished> {
  const started = performance.now()
  const child = spawn(
    process.execPath,
    ['--conditions=@cflow/source', '--import', 'tsx', file, ...args],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  let errors = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
  const code = await new Promise<number | null>((done) => child.on('close', done))
  if (code !== 0) throw new Error(`${file} failed: ${errors.slice(-2000)}`)
  return { seconds: (performance.now() - started) / 1000, output }
}

export const cli = 'apps/cli/src/main.ts'
