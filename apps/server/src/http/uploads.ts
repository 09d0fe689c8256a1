import { CflowError } from '@cflow/base'
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { Storage } from '../state/storage.js'
import { found } from './schemas.js'

/** Bytes of a part: no more than this is sent again after an upload breaks off, and no more is in memory. */
const partSize = 4 << 20

/** Age in milliseconds at which an upload is given up. */
const abandoned = 24 * 3600 * 1000

const headSchema = z.object({ path: z.string(), digest: z.string(), bytes: z.int(), at: z.int() })

/**
 * Uploads in parts. All that is known of one lies in the storage, so that any server goes on with it: its head, and parts
 * that are named by where they begin.
 */
export function uploadsOver(storage: Storage, maximum: number) {
  const folderOf = (dataset: string, id: string) => `uploads/${dataset}/${id}/`
  const partsOf = async (folder: string) => {
    const parts: { readonly key: string; readonly size: number }[] = []
    let offset = 0
    for (const key of await storage.list(`${folder}part-`)) {
      const [, from, size] = /part-(\d+)-(\d+)$/.exec(key) ?? []
      // another request may have written the same bytes in other pieces
      if (Number(from) !== offset) continue
      parts.push({ key, size: Number(size) })
      offset += Number(size)
    }
    return { parts, offset }
  }
  const headOf = async (dataset: string, id: string) => {
    const folder = folderOf(dataset, id)
    const key = `${folder}head`
    found(await storage.size(key), 'upload', id)
    const chunks: Uint8Array[] = []
    for await (const chunk of await storage.read(key)) chunks.push(chunk)
    return headSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  }
  const state = async (dataset: string, id: string) => {
    const { path, digest, bytes } = await headOf(dataset, id)
    const { offset } = await partsOf(folderOf(dataset, id))
    return { id, path, sha256: digest, bytes, offset, complete: false }
  }
  const remove = async (dataset: string, id: string) => {
    // the head last: without it nobody knows of the rest
    for (const key of [...(await storage.list(folderOf(dataset, id)))].reverse())
      await storage.remove(key)
  }
  return {
    state,
    remove,
    async begin(dataset: string, head: Omit<z.infer<typeof headSchema>, 'at'>) {
      if (head.bytes > maximum)
        throw new CflowError('TOO_LARGE', `files of more than ${maximum} bytes are not taken`, {
          subject: 'bytes',
        })
      const id = randomUUID()
      const text = JSON.stringify({ ...head, at: Date.now() })
      await storage.put(`${folderOf(dataset, id)}head`, Buffer.from(text))
      return state(dataset, id)
    },
    /** What arrives is kept piece by piece: what breaks off has got on. */
    async add(dataset: string, id: string, from: number, content: AsyncIterable<Uint8Array>) {
      const before = await state(dataset, id)
      if (from !== before.offset)
        throw new CflowError(
          'CONFLICT',
          `the upload goes on at byte ${before.offset}, not ${from}`,
          {
            subject: 'upload-offset',
            hint: 'ask for its offset, and send what comes after it',
          },
        )
      let [offset, held] = [from, 0]
      let chunks: Uint8Array[] = []
      const flush = async () => {
        if (held === 0) return
        const name = `part-${String(offset).padStart(12, '0')}-${held}`
        await storage.put(folderOf(dataset, id) + name, Buffer.concat(chunks))
        ;[offset, held, chunks] = [offset + held, 0, []]
      }
      try {
        for await (const chunk of content) {
          if (offset + held + chunk.length > before.bytes)
            throw new CflowError('TOO_LARGE', `the upload has ${before.bytes} bytes, and more arrived`) // prettier-ignore
          chunks.push(chunk)
          held += chunk.length
          if (held >= partSize) await flush()
        }
      } finally {
        await flush()
      }
      return { ...before, offset }
    },
    /** Puts the whole where it belongs; the upload stays until it is named. @throws CflowError DIGEST, and it is gone */
    async finish(dataset: string, id: string, key: string): Promise<void> {
      const { digest, bytes } = await headOf(dataset, id)
      const { parts } = await partsOf(folderOf(dataset, id))
      const whole = async function* () {
        for (const part of parts) yield* await storage.read(part.key)
      }
      try {
        await storage.put(key, whole(), { digest, maximum: bytes })
      } catch (error) {
        if (error instanceof CflowError && error.code === 'DIGEST') await remove(dataset, id)
        throw error
      }
    },
    /** Removes what nobody went on with for a day. */
    async sweep(now = Date.now()): Promise<void> {
      for (const key of await storage.list('uploads/')) {
        const [, dataset, id] = key.split('/')
        if (!key.endsWith('/head')) continue
        const { at } = await headOf(dataset!, id!).catch(() => ({ at: now }))
        if (now - at > abandoned) await remove(dataset!, id!)
      }
    },
  }
}
