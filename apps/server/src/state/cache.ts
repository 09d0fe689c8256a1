import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Milliseconds for which a file that was asked for stays: who asked may only now begin to read it. */
const inUse = 600_000

/** Removes the files of a folder of folders that were used longest ago, until the rest is within a bound. */
export async function shrinkCache(folder: string, most: number, now = Date.now()): Promise<void> {
  const files: { readonly path: string; readonly bytes: number; readonly used: number }[] = []
  for (const part of await readdir(folder).catch(() => []))
    for (const name of await readdir(join(folder, part)).catch(() => [])) {
      // one that is being written
      if (name.startsWith('.')) continue
      const path = join(folder, part, name)
      const found = await stat(path).catch(() => undefined)
      if (found?.isFile()) files.push({ path, bytes: found.size, used: found.mtimeMs })
    }
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { path, bytes, used } of files.sort((a, b) => a.used - b.used)) {
    if (total <= most || used > now - inUse) return
    await rm(path, { force: true }).catch(() => undefined)
    total -= bytes
  }
}
