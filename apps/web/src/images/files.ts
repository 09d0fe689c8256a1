import type { NewItem } from '../detect/item.js'
import { showMessage } from '../ui/messages.js'

export const isDetector = (file: File): boolean => file.name.toLowerCase().endsWith('.onnx')

/** Whether it is meant as an image: by its type, or by its name where the system knows no type. Some cannot be read; why is told then. */
const looksLikeImage = (file: File): boolean =>
  file.type.startsWith('image/') ||
  /\.(png|jpe?g|webp|gif|avif|bmp|hei[cf]|tiff?|jxl)$/i.test(file.name)

const inOrder = new Intl.Collator('en', { numeric: true })

/**
 * The images among files, sorted by name; a message tells of the others.
 * @param also what may be used besides
 */
export function imagesOf(files: Iterable<File>, also = ''): NewItem[] {
  const all = [...files].sort((a, b) => inOrder.compare(pathOf(a), pathOf(b)))
  const others = all.filter((f) => !looksLikeImage(f))
  const title = others.length === 1 ? `${others[0]!.name} is not an image` : `${others.length} files are not images` // prettier-ignore
  if (others.length > 0)
    showMessage(title, `Use PNG, JPEG, WebP, GIF, AVIF or BMP${also}.`, 'error')
  return all.filter(looksLikeImage).map((f) => ({ name: f.name, path: pathOf(f), blob: f }))
}

/** Paths of files inside dropped folders. */
const droppedAt = new WeakMap<File, string>()

const pathOf = (file: File): string => droppedAt.get(file) ?? (file.webkitRelativePath || file.name)

/** The files of a drop, also those inside dropped folders. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  // entries must be taken before anything is awaited
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((e): e is FileSystemEntry => e !== null)
  if (entries.length === 0) return [...transfer.files]
  return (await Promise.all(entries.map(filesOf))).flat()
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((ok, no) => (entry as FileSystemFileEntry).file(ok, no))
    droppedAt.set(file, entry.fullPath.replace(/^\//, ''))
    return [file]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: File[] = []
  for (;;) {
    // a reader gives a hundred entries at a time, and none at the end
    const some = await new Promise<FileSystemEntry[]>((ok, no) => reader.readEntries(ok, no))
    if (some.length === 0) return files
    for (const inner of some) files.push(...(await filesOf(inner)))
  }
}
