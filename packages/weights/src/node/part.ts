import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { writingError } from '@cflow/base/node'
import { codeOf, sizeOfFile } from './files.js'

/** Milliseconds after which a part that nobody has added to belongs to nobody, whatever its name says. */
const abandonedAfter = 10 * 60_000

/**
 * Take a partial download for this call alone. A part that is free, or whose owner is gone, is taken over by renaming it,
 * which only one of several processes can do; else there is a new one.
 * @param path the file that is downloaded: its parts are `<path>.part` (free) and `<path>.<owner>.part`
 */
export async function claimPart(path: string) {
  const own = `${path}.${host()}~${process.pid}~${randomUUID().slice(0, 8)}.part`
  const free = `${path}.part`
  for (const candidate of [free, ...(await abandoned(path))]) if (await moved(candidate, own)) break
  return {
    path: own,
    /** Leave it for a later call to go on with. */
    async release() {
      const [mine, other] = [await sizeOfFile(own), await sizeOfFile(free)]
      if (mine === undefined) return
      if (mine > (other ?? 0)) await moved(own, free)
      else await rm(own, { force: true })
    },
  }
}

/** Parts of owners that are gone. */
async function abandoned(path: string): Promise<string[]> {
  const folder = dirname(path)
  const start = `${basename(path)}.`
  const found: string[] = []
  for (const name of await readdir(folder)) {
    const owner = /^([^~]*)~(\d+)~[0-9a-f]{8}\.part$/.exec(name.slice(start.length))
    if (!name.startsWith(start) || !owner) continue
    const gone = owner[1] === host() && !alive(Number(owner[2]))
    if (gone || (await isOld(join(folder, name)))) found.push(join(folder, name))
  }
  return found
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw writingError(to, error)
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > abandonedAfter
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

const host = (): string => hostname().replaceAll(/[^A-Za-z0-9-]/g, '-')
