import { CflowError, messageOf } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { createReadStream } from 'node:fs'
import { access, constants, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeChunks } from './files.js'
import { hashing } from './hashing.js'
import { notThere, requireKey, requirePrefix } from './keys.js'
import type { Storage } from './storage.js'

/** Age in milliseconds at which a file that was being written is what a crash left. */
const abandoned = 24 * 3600 * 1000

/** Bytes in files of a folder; several processes, also of several machines on one network folder, may share it. */
export async function folderStorage(root: string): Promise<Storage> {
  await makeFolder(root)
  const pathOf = (key: string) => join(root, ...requireKey(key).split('/'))
  await removeAbandoned(root)
  const sizeOf = async (key: string) => {
    const found = await stat(pathOf(key)).catch(absent)
    return found?.isFile() ? found.size : undefined
  }
  return {
    async put(key, content, expected = {}) {
      const path = pathOf(key)
      const { passing, found } = hashing(content, expected)
      await writeChunks(path, passing())
      return { ...found }
    },
    async read(key) {
      // opened here, so that what is missing is told now
      const file = await open(pathOf(key), 'r').catch((cause: unknown) => {
        throw isAbsence(cause) ? notThere(key, cause) : unreadable(key, cause)
      })
      if (!(await file.stat()).isFile()) {
        await file.close()
        throw notThere(key)
      }
      return createReadStream('', { fd: file, highWaterMark: 1 << 18 })
    },
    size: sizeOf,
    async file(key) {
      if ((await sizeOf(key)) === undefined) throw notThere(key)
      return pathOf(key)
    },
    async remove(key) {
      const path = pathOf(key)
      if ((await sizeOf(key)) !== undefined) await rm(path, { force: true })
    },
    async list(prefix) {
      requirePrefix(prefix)
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      const keys: string[] = []
      for await (const key of walk(root, folder.replace(/\/$/, '')))
        if (key.startsWith(prefix)) keys.push(key)
      return keys.sort()
    },
    async ping() {
      await access(root, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
        throw new CflowError('UNAVAILABLE', `the storage ${root} cannot be used: ${messageOf(cause)}`, { cause }) // prettier-ignore
      })
    },
  }
}

const isAbsence = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

function absent(error: unknown): undefined {
  if (!isAbsence(error)) throw error
}

const unreadable = (key: string, cause: unknown) =>
  new CflowError('IO', `cannot read ${key} of the storage: ${messageOf(cause)}`, {
    subject: key,
    cause,
  })

/** Keys below a folder, which is itself a key or empty. */
async function* walk(root: string, folder: string): AsyncGenerator<string> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(
    (error: unknown) => absent(error) ?? [],
  )
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const key = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* walk(root, key)
    else if (entry.isFile()) yield key
  }
}

/** Takes away what processes that died were writing. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await removeAbandoned(path)
    else if (entry.name.startsWith('.') && entry.name.endsWith('.tmp')) {
      const found = await stat(path).catch(() => undefined)
      if (found && Date.now() - found.mtimeMs > abandoned)
        await rm(path, { force: true }).catch(() => undefined)
    }
  }
}
