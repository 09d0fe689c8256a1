import { endingOf, listFolder, maxDepth } from '../files.js'

/** An image file below a root. */
export interface FoundImage {
  /** Path below the root, with forward slashes. */
  readonly id: string
  /** The folders of that path. */
  readonly folders: readonly string[]
  /** The name of the file without its ending, and the ending in lower case. */
  readonly stem: string
  readonly extension: string
}

/** Everything below a folder. */
export interface FoundTree {
  /** In order: those of a folder by name, then those of its subfolders. */
  readonly images: readonly FoundImage[]
  /** Paths of all folders, with forward slashes. */
  readonly folders: readonly string[]
  /** Files in formats of images that are not read, by their ending. */
  readonly unread: Readonly<Record<string, number>>
  /** Paths of what predictions and inspections wrote. */
  readonly made: readonly string[]
  /** Paths of files that may hold labels. */
  readonly tables: readonly string[]
}

/**
 * All images below a folder, at most 16 levels deep, so that circular links end.
 * @throws CflowError NOT_FOUND or IO
 */
export async function scanTree(root: string): Promise<FoundTree> {
  const images: FoundImage[] = []
  const folders: string[] = []
  const unread: Record<string, number> = {}
  const tables: string[] = []
  const made: string[] = []
  const visit = async (path: readonly string[]): Promise<void> => {
    const found = await listFolder([root, ...path].join('/'))
    for (const name of found.images) images.push(imageAt(path, name))
    for (const ending of found.unread.map(endingOf)) unread[ending] = (unread[ending] ?? 0) + 1
    for (const name of found.tables) tables.push([...path, name].join('/'))
    for (const name of found.made) made.push([...path, name].join('/'))
    for (const name of found.folders) {
      folders.push([...path, name].join('/'))
      if (path.length < maxDepth) await visit([...path, name])
    }
  }
  await visit([])
  return { images, folders, unread, tables, made }
}

function imageAt(folders: readonly string[], name: string): FoundImage {
  const dot = name.lastIndexOf('.')
  const [stem, extension] = [name.slice(0, dot), name.slice(dot).toLowerCase()]
  return { id: [...folders, name].join('/'), folders, stem, extension }
}

/** Put a value under a key of a map of lists. */
export function putUnder<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
