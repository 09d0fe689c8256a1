import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import * as z from 'zod'
import { CflowError } from '@cflow/base'
import { writingError } from '@cflow/base/node'

/** Who holds a lock. */
const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When that process started, where the system tells: another process may have its number later. */
  started: z.string().optional(),
  since: z.string(),
})
type Holder = z.infer<typeof holderSchema>

/**
 * Hold a folder for this process, by a file in it. A lock of a process that is gone is taken over.
 * @returns gives the folder free; `tookOver` tells whether a process died while it held it
 * @throws CflowError BUSY where another process holds it, IO
 */
export async function lockFolder(
  folder: string,
  path: string,
): Promise<{ readonly tookOver: boolean; release(): Promise<void> }> {
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    since: new Date().toISOString(),
  }
  let tookOver = false
  for (;;) {
    if (await created(path, `${JSON.stringify(own)}\n`)) break
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue // given free meanwhile
    const holder = holderOf(text)
    if (!holder || isAlive(holder)) throw busy(folder, path, holder)
    await takeAway(path, text)
    tookOver = true
  }
  return { tookOver, release: () => rm(path, { force: true }) }
}

/** Make a file with its content in one step. @returns false where there is one */
async function created(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`
  const isThere = (error: NodeJS.ErrnoException): boolean => {
    if (error.code === 'EEXIST') return false
    throw error
  }
  try {
    await writeFile(temporary, content, { flag: 'wx' })
    return await link(temporary, path).then(
      () => true,
      // a file system without links
      (error: NodeJS.ErrnoException) =>
        error.code === 'EEXIST'
          ? false
          : writeFile(path, content, { flag: 'wx' }).then(() => true, isThere),
    )
  } catch (error) {
    throw writingError(path, error)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
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

/** Whether the process runs; of another machine that cannot be told. */
function isAlive({ pid, host, started }: Holder): boolean {
  if (host !== hostname()) return true
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
