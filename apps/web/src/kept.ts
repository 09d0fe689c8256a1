import type { KnownDetector } from './state/state.js'

/** Detectors that were trained here, in the browser's database: they outlive the tab, and nothing leaves the machine. */
const table = 'detectors'

const answered = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the database failed'))
  })

let opening: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  const request = indexedDB.open('cflow', 1)
  request.onupgradeneeded = () => request.result.createObjectStore(table, { keyPath: 'id' })
  return answered(request)
}

async function within<T>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await (opening ??= database())).transaction(table, mode)
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
  (await within<KnownDetector[]>('readonly', (store) => store.getAll())).sort(
    (a, b) => (a.trainedAt ?? 0) - (b.trainedAt ?? 0),
  )

/** Keep a detector with its images. @throws when there is no room */
export const keep = async (detector: KnownDetector): Promise<void> =>
  void (await within('readwrite', (store) => store.put(detector)))

export const forget = async (id: string): Promise<void> =>
  void (await within('readwrite', (store) => store.delete(id)))
