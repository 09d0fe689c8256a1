import { join } from 'node:path'
import { folderStorage } from './folder-storage.js'
import type { Storage } from './storage.js'

/** The bytes: in a bucket where `s3://…` is given, else in `files` of the folder. */
export async function openStorage({
  data,
  storage,
  cacheBytes,
}: {
  readonly data: string
  readonly storage?: string | undefined
  /** Bytes of a bucket's files that are kept on this machine; without a bound when absent. */
  readonly cacheBytes?: number | undefined
}): Promise<Storage> {
  if (storage === undefined) return folderStorage(join(data, 'files'))
  // large, and rarely needed
  const { s3Storage } = await import('./s3-storage.js')
  return s3Storage(storage, join(data, 'cache'), cacheBytes)
}
