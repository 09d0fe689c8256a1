import type { KnownDetector } from './state/state.js'
import type { Region } from '@cflow/detector'
import type { NewItem } from './detect/item.js'

/**
 * What outlives the tab, in the browser's database, so that nothing leaves the machine: detectors that were trained here, the
 * regions that do not count for a detector, and the training that is being prepared, runs, or was stopped.
 */
type Table = 'detectors' | 'training' | 'regions'

const answered = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the database failed'))
  })

let opening: Promise<IDBDatabase> | undefined
let openingRegions: Promise<IDBDatabase> | undefined

/** A database of its own: one more table would wait until no tab of an earlier version has the other one open. */
function regionsDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open('cflow-regions', 1)
  request.onupgradeneeded = () => void request.result.createObjectStore('regions')
  return answered(request)
}

function database(): Promise<IDBDatabase> {
  const request = indexedDB.open('cflow', 2)
  request.onupgradeneeded = () => {
    const { result } = request
    if (!result.objectStoreNames.contains('detectors'))
      result.createObjectStore('detectors', { keyPath: 'id' })
    if (!result.objectStoreNames.contains('training')) result.createObjectStore('training')
  }
  return answered(request)
}

async function within<T>(
  table: Table,
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opened =
    table === 'regions' ? (openingRegions ??= regionsDatabase()) : (opening ??= database())
  const transaction = (await opened).transaction(table, mode)
  const over = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('the browser kept nothing'))
  })
  over.catch(() => undefined)
  const result = await answered(ask(transaction.objectStore(table)))
  // a full disk is told at the end
  await over
  return result
}

/** The detectors kept, the oldest first. @throws where the browser keeps nothing, as in private windows of some */
export const keptDetectors = async (): Promise<KnownDetector[]> =>
  (await within<KnownDetector[]>('detectors', 'readonly', (store) => store.getAll())).sort(
    (a, b) => (a.trainedAt ?? 0) - (b.trainedAt ?? 0),
  )

/** Keep a detector with its images. @throws when there is no room */
export const keep = async (detector: KnownDetector): Promise<void> =>
  void (await within('detectors', 'readwrite', (store) => store.put(detector)))

export const forget = async (id: string): Promise<void> =>
  void (await within('detectors', 'readwrite', (store) => store.delete(id)))

const digests = new WeakMap<Blob, Promise<string>>()

/** By its content, a detector is the same whichever way it comes: with the site, from a file, from a server. */
function digestOf(detector: Blob): Promise<string> {
  const known = digests.get(detector)
  if (known) return known
  const digest = detector
    .arrayBuffer()
    .then((bytes) => crypto.subtle.digest('SHA-256', bytes))
    .then((hash) => new Uint8Array(hash).reduce((s, b) => s + b.toString(16).padStart(2, '0'), ''))
  digests.set(detector, digest)
  return digest
}

/** The regions that do not count for a detector. @throws as `keptDetectors`, and on an insecure page */
export async function keptRegions(detector: Blob): Promise<readonly Region[]> {
  const digest = await digestOf(detector)
  const kept = await within<readonly Region[] | undefined>('regions', 'readonly', (store) =>
    store.get(digest),
  )
  return kept ?? []
}

/** Keep them, in place of those before; none: forget them. @throws as `keptRegions`, and when there is no room */
export async function keepRegions(detector: Blob, regions: readonly Region[]): Promise<void> {
  const digest = await digestOf(detector)
  if (regions.length > 0)
    await within('regions', 'readwrite', (store) => store.put(regions, digest))
  else await within('regions', 'readwrite', (store) => store.delete(digest))
}

/** A training, as it is kept. */
export interface KeptTraining {
  readonly images: readonly (NewItem & { readonly of?: string })[]
  readonly tests: readonly NewItem[]
  readonly name: string
  readonly passes: string
  /** Whether it ran when it was kept last. */
  readonly isRunning: boolean
  readonly checkpoint?: Uint8Array
}

/** @throws as `keptDetectors` */
export const keptTraining = (): Promise<KeptTraining | undefined> =>
  within('training', 'readonly', (store) => store.get('current'))

/** Keep it, in place of the one before. @throws when there is no room */
export const keepTraining = async (training: KeptTraining): Promise<void> =>
  void (await within('training', 'readwrite', (store) => store.put(training, 'current')))

export const forgetTraining = async (): Promise<void> =>
  void (await within('training', 'readwrite', (store) => store.clear()))
