import { makeFolder, writingError } from '@cflow/base/node'
import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Begins the name of a file that is being written; nothing that is kept begins with a dot. */
const temporaryName = (path: string) =>
  join(dirname(path), `.${basename(path).slice(0, 64)}.${randomUUID()}.tmp`)

/**
 * Writes chunks into a file in one step: under another name in the same folder, flushed, renamed, the folder flushed.
 * @throws CflowError IO, and what the chunks throw; then nothing is left
 */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = temporaryName(path)
  await makeFolder(dirname(path))
  try {
    const file = await open(temporary, 'wx').catch(unwritable(path))
    try {
      for await (const chunk of chunks) await file.writeFile(chunk).catch(unwritable(path))
      await file.sync().catch(unwritable(path))
    } finally {
      await file.close()
    }
    await rename(temporary, path).catch(unwritable(path))
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

const unwritable =
  (path: string) =>
  (error: unknown): never => {
    throw writingError(path, error)
  }

/** A rename lasts once its folder is flushed; systems that cannot do that (Windows) do not need it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close().catch(() => undefined)
}
