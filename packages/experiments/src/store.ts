import { CflowError, messageOf } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import { fileCheckpoints, jsonText } from '@cflow/trainer/node'
import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type * as z from 'zod'

/** What is kept under a name that people can read and a hash of all that decides the content. */
export interface Key {
  readonly name: string
  /** Plain data. */
  readonly identity: unknown
}

/** `<name>-<10 digits of the hash>` */
export function idOf({ name, identity }: Key): string {
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex')
  return `${name}-${hash.slice(0, 10)}`
}

export type Store = ReturnType<typeof fileStore>
export type Unfinished = ReturnType<Store['unfinished']>

/** Finished pieces of work as JSON files in a folder, and the unfinished ones' checkpoints. */
export function fileStore(folder: string) {
  const pathOf = (key: Key) => join(folder, 'trials', `${idOf(key)}.json`)
  return {
    folder,
    /** A finished piece, or undefined where there is none that can be read. */
    async read<T>(key: Key, schema: z.ZodType<T>): Promise<T | undefined> {
      const text = await textOf(pathOf(key))
      if (text === undefined) return undefined
      try {
        // what another version wrote, or somebody cut off, is made again
        return schema.safeParse(JSON.parse(text)).data
      } catch {
        return undefined
      }
    },
    /** @throws CflowError IO that names the path */
    write: (key: Key, content: unknown) => writeFileAtomic(pathOf(key), jsonText(content)),
    /** Where an unfinished training goes on from: a checkpoint and text beside it, removed when the work is finished. */
    unfinished(key: Key) {
      const own = join(folder, 'unfinished', idOf(key))
      const notes = join(own, 'notes.json')
      return {
        checkpoints: fileCheckpoints(own),
        readNotes: () => textOf(notes),
        writeNotes: (text: string) => writeFileAtomic(notes, text),
        remove: () => rm(own, { recursive: true, force: true }),
      }
    },
  }
}

/** Undefined where there is none. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CflowError('IO', `cannot read ${path}: ${messageOf(cause)}`, { subject: path, cause })
  }
}

/** What the store has, else what is computed and then kept. */
export async function remembered<T>(
  store: Store,
  key: Key,
  schema: z.ZodType<T>,
  compute: () => Promise<T>,
): Promise<T> {
  const kept = await store.read(key, schema)
  if (kept !== undefined) return kept
  const made = await compute()
  await store.write(key, made)
  return made
}
