import { CflowError } from '@cflow/base'
import { spawn } from 'node:child_process'
import * as z from 'zod'
import { note, type Session } from './io.js'

/** `--queue URL` of commands whose work comes in parts. */
export const queueSetting = z
  .string()
  .regex(/^(rediss?|postgres(ql)?):\/\//)
  .optional()
  .meta({
    help: 'share the trainings with all processes that run the same command with this queue and one --out',
    placeholder: 'URL',
    error: 'is an address such as redis://host:6379',
  })

/** Lines of a child's messages that are told when it fails. */
const lastLines = 3

/**
 * The command as it was called, in parts that are shared by a queue: each in a process of its own, so that this one is always
 * heard by the queue. What a part prints is left out; a part that fails is told.
 * @param identity what is asked for: the same of all that share
 * @param parts by name, what gives the arguments that are added for each when it begins
 */
export async function shareCommand(
  session: Session,
  url: string,
  identity: unknown,
  parts: ReadonlyMap<string, () => Promise<readonly string[]>>,
): Promise<void> {
  const { io } = session
  const [script = '', ...given] = process.argv.slice(1)
  const own = given.filter(
    (arg, i) => ![arg, given[i - 1]].some((a) => isShared(a)) && !isSharedAs(arg),
  )
  // a server's packages are loaded by who uses them
  const { shareWork } = await import('@cflow/server')
  const done = await shareWork({
    ...{ url, identity, parts: [...parts.keys()], signal: io.signal },
    async run(part, signal) {
      note(session, `${part} runs here`)
      const more = (await parts.get(part)?.()) ?? []
      const args = [script, ...own, ...more, '--json', '--quiet']
      const { code, err, isBusy } = await ended(args, signal)
      // who held it before is not known to be dead yet
      if (isBusy) throw new CflowError('BUSY', 'is held by another process')
      // 1: some of it could not be done, which is told when all is put together
      if (code !== 0 && code !== 1)
        throw new CflowError('RUNTIME', `ended with ${code}: ${err.trim().split('\n').slice(-lastLines).join('; ')}`) // prettier-ignore
    },
    log: (text) => io.err(`${text}\n`),
  })
  note(session, `all ${parts.size} parts are done, ${done.length} of them here`)
}

/** Flags that say what is shared, and how: a part has its own in their place. */
const shared = ['--queue', '--scenes']
const isShared = (arg: string | undefined): boolean => arg !== undefined && shared.includes(arg)
const isSharedAs = (arg: string): boolean => shared.some((flag) => arg.startsWith(`${flag}=`))

function ended(
  args: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number | null; readonly err: string; readonly isBusy: boolean }> {
  return new Promise((resolve, reject) => {
    // by the channel it hears when this process is killed: it would go on beside the one that takes the part over
    const child = spawn(process.execPath, [...process.execArgv, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, CFLOW_PART: '1' },
    })
    let [out, err] = ['', '']
    child.stdout!.on('data', (chunk: Buffer) => (out = (out + chunk.toString()).slice(-4000)))
    child.stderr!.on('data', (chunk: Buffer) => (err = (err + chunk.toString()).slice(-4000)))
    const stop = () => child.kill('SIGTERM')
    signal.addEventListener('abort', stop, { once: true })
    child.on('error', reject)
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason as Error)
      else resolve({ code, err, isBusy: /"error": *{\s*"code": *"BUSY"/.test(out) })
    })
  })
}
