import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const scripts = here('./peers/')
/** Outside version control; may be deleted at any time. */
const environment = here('./.peers/')

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

/**
 * Makes the peers' virtual environment where it is missing or older than its requirements. CFLOW_PEER_PYTHON names a
 * Python that has the requirements already.
 * @returns its Python
 */
function peerPython(): string {
  const own = process.env['CFLOW_PEER_PYTHON']
  if (own !== undefined) return own
  const python = `${environment}venv/bin/python`
  const wanted = readFileSync(`${scripts}requirements.txt`, 'utf8')
  const stamp = `${environment}installed.txt`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python
  mkdirSync(environment, { recursive: true })
  console.error('installing the peers (PyTorch, FrEIA, anomalib, OpenVINO): some gigabytes, once')
  run('python3', ['-m', 'venv', `${environment}venv`])
  run(python, ['-m', 'pip', 'install', '--quiet', '-r', `${scripts}requirements.txt`])
  writeFileSync(stamp, wanted)
  return python
}

/** A peer's script that runs and answers one request at a time. */
export interface Peer {
  ask<T>(request: Readonly<Record<string, unknown>>): Promise<T>
  stop(): void
}

export function startPeer(script: string): Peer {
  const child = spawn(peerPython(), [`${scripts}${script}`], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask<T>(request: Readonly<Record<string, unknown>>) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const { value, done } = (await lines.next()) as IteratorResult<string>
      if (done) throw new Error(`${script} ended; run it by hand to see why`)
      const answer = JSON.parse(value) as T & { error?: string }
      if (answer.error !== undefined) throw new Error(`${script}: ${answer.error}`)
      return answer
    },
    stop: () => child.kill(),
  }
}
