import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import * as z from 'zod'
import { CflowError, type AnyAbortSignal } from '@cflow/base'
import { writingError } from '@cflow/base/node'

/** Who holds a lock. */
const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When that process started, where the system tells: another process may have its number later. */
  started: z.string().optional(),
  since: z.string(),
  /** This holding, and no other. */
  token: z.string().optional(),
  /** Counted up as long as the holder lives; whoever does not see it change for `expiry` may take over. */
  beat: z.string().optional(),
})
type Holder = z.infer<typeof holderSchema>

/** A folder that is held. */
export interface FolderLock {
  /** Whether a process, or its whole machine, died while it held the folder. */
  readonly tookOver: boolean
  /**
   * What writes asks first: a process that was stopped for long may have lost the folder to another one.
   * @throws CflowError BUSY where it was lost
   */
  requireHeld(): Promise<void>
  /** Gives the folder free. */
  release(): Promise<void>
}

export interface LockTiming {
  /** Milliseconds between two signs of life. */
  readonly beat?: number
  /** Milliseconds without one after which a holder on another machine is taken for dead. */
  readonly expiry?: number
  /** Name of this machine. */
  readonly host?: string
  readonly signal?: AnyAbortSignal | undefined
}

const seconds = Number(process.env['CFLOW_LEASE_SECONDS'])
const lease = seconds > 0 ? 1000 * seconds : 30_000

/**
 * Hold a folder for this process, by a file in it. A lock of a process that is gone is taken over: on this machine at once;
 * one of another machine when it gives no sign of life for `CFLOW_LEASE_SECONDS` (30) as this process counts them, whatever the
 * clocks of the two say. Signs of life are given by a thread of its own: what computes does not keep it from that.
 * @throws CflowError BUSY where another process holds it, IO
 */
export async function lockFolder(
  folder: string,
  path: string,
  { beat = lease / 6, expiry = lease, host = hostname(), signal }: LockTiming = {},
): Promise<FolderLock> {
  const own: Holder = {
    pid: process.pid,
    host,
    started: startOf(process.pid),
    since: new Date().toISOString(),
    token: randomUUID(),
    beat: beatText(0),
  }
  let tookOver = false
  let file: FileHandle | undefined
  for (;;) {
    file = await created(path, textOf(own))
    if (file) break
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue // given free meanwhile
    const holder = holderOf(text)
    if (!holder) throw busy(folder, path, holder)
    if (holder.host === host ? isAlive(holder) : await isHeard(path, text, holder, { beat, expiry, signal })) throw busy(folder, path, holder) // prettier-ignore
    await takeAway(path, text)
    tookOver = true
  }
  // through the file that was made: signs of life never reach a lock that another process has made in its place
  const { fd } = file
  const thread = new Worker(heart, { eval: true, workerData: { fd, own, beat } })
  thread.unref()
  // without it the lock stands as one that is not renewed: others on this machine still see that it is held
  thread.on('error', () => undefined)
  const isHeld = async () => holderOf(await readFile(path, 'utf8').catch(() => ''))?.token === own.token // prettier-ignore
  return {
    tookOver,
    async requireHeld() {
      if (!(await isHeld())) throw lost(folder)
    },
    async release() {
      await thread.terminate()
      await file.close().catch(() => undefined)
      if (await isHeld()) await rm(path, { force: true })
    },
  }
}

/** The thread: writes the holder anew, in the same length, with the next beat. */
const heart = `
const { workerData: { fd, own, beat } } = require('node:worker_threads')
const { fsyncSync, writeSync } = require('node:fs')
let count = 0
setInterval(() => {
  try {
    writeSync(fd, JSON.stringify({ ...own, beat: String(++count).padStart(10, '0') }) + '\\n', 0)
    fsyncSync(fd)
  } catch {}
}, beat)
`
const beatText = (count: number): string => String(count).padStart(10, '0')
const textOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`

/** Whether a holder on another machine gives a sign of life; one that never does holds on until somebody removes its lock. */
async function isHeard(
  path: string,
  text: string,
  holder: Holder,
  { beat, expiry, signal }: { beat: number; expiry: number; signal?: AbortSignal | undefined },
): Promise<boolean> {
  if (holder.beat === undefined) return true
  const until = performance.now() + expiry
  while (performance.now() < until) {
    await setTimeout(Math.min(beat / 2, 1000), undefined, signal ? { signal } : {})
    const now = await readFile(path, 'utf8').catch(() => undefined)
    // given free, or another one's: who asked looks again
    if (now === undefined || holderOf(now)?.token !== holder.token) return false
    if (now !== text) return true
  }
  return false
}

/** Make a file with its content in one step, and keep it open. @returns undefined where there is one */
async function created(path: string, content: string): Promise<FileHandle | undefined> {
  const temporary = `${path}.${randomUUID()}.tmp`
  let file: FileHandle | undefined
  try {
    file = await open(temporary, 'wx')
    await file.writeFile(content)
    await link(temporary, path)
    return file
  } catch (error) {
    await file?.close().catch(() => undefined)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    if (!file) throw writingError(path, error)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
  // a file system without links
  try {
    file = await open(path, 'wx')
    await file.writeFile(content)
    return file
  } catch (error) {
    await file?.close().catch(() => undefined)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw writingError(path, error)
  }
}

/** Remove the lock of a process that is gone, unless another process has just taken its place. */
async function takeAway(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.tmp`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path).catch(() => undefined)
    await rm(aside, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writingError(path, error)
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Whether the process, of this machine, runs. */
function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(pid)
  return started === undefined || now === undefined || now === started
}

/** When a process started, as Linux counts it; undefined where that cannot be told. */
function startOf(pid: number): string | undefined {
  try {
    // the name of the program, in brackets, may hold spaces
    const [, after = ''] = /^[^]*\) (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return after.split(' ')[19]
  } catch {
    return undefined
  }
}

function busy(folder: string, path: string, holder: Holder | undefined): CflowError {
  const who = holder ? `process ${holder.pid} on ${holder.host} since ${holder.since}` : 'a process'
  return new CflowError('BUSY', `${folder} is in use by ${who}`, {
    subject: folder,
    hint: `Wait until it ends, or choose another folder. If it ended without a trace, remove ${path}.`,
  })
}

const lost = (folder: string): CflowError =>
  new CflowError('BUSY', `${folder} was taken over by another process, which heard nothing of this one for too long`, { subject: folder, hint: 'Nothing is lost: the other process goes on with it.' }) // prettier-ignore
