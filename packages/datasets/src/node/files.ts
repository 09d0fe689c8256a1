import { CflowError, type ErrorCode } from '@cflow/base'
import { fileError as errorAbout, fileSize } from '@cflow/base/node'
import { open, readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { madeFile } from './made.js'

/** File name endings of images that are read, in lower case. */
export const imageExtensions: readonly string[] = (
  '.png .jpg .jpeg .jpe .jfif .webp .tif .tiff .gif .avif .bmp .dib .pbm .pgm .ppm .pnm ' +
  '.jp2 .j2k .j2c .jpx .jpf'
).split(' ')

/**
 * The same with those of photographs that are not read: whoever asks for a verdict on all images of a folder is told of
 * each that there is none.
 */
export const photographExtensions: readonly string[] = [
  ...imageExtensions,
  ...'.heic .heif .hif .jxl'.split(' '),
]

/** Endings of images that are not read: such files are counted and told of. */
const foreignExtensions: readonly string[] =
  `.jxl .jxr .pam .pfm .heic .heif .hif .psd .tga .pcx .ico .exr .hdr .dds .svg .eps .dng
  .cr2 .cr3 .nef .arw .orf .rw2 .raf .raw .dcm .dicom .fits .npy .mp4 .avi .mov .mkv`.split(/\s+/)

export const maxDepth = 16

/** An error whose message begins with what is at fault. */
export function fault(
  code: ErrorCode,
  subject: string,
  problem: string,
  hint?: string,
  cause?: unknown,
): CflowError {
  const options = { subject, cause, ...(hint !== undefined && { hint }) }
  return new CflowError(code, `${subject} ${problem}`, options)
}

/** A failed file operation as an error about the path. */
export const fileError = (path: string, cause: unknown): CflowError =>
  errorAbout(path, cause, { code: 'IMAGE', what: 'an image' })

/**
 * What a folder holds directly, by name, each sorted (by UTF-16 code units, the same on every machine), hidden ones left
 * out. What a prediction wrote (heat maps, masks, anomaly maps) is not among the images.
 */
export interface Listing {
  readonly folders: readonly string[]
  readonly images: readonly string[]
  /** What predictions and inspections wrote. */
  readonly made: readonly string[]
  /** Files in formats of images that are not read. */
  readonly unread: readonly string[]
  /** Files that may hold labels. */
  readonly tables: readonly string[]
  /** All other files. */
  readonly others: readonly string[]
}

/** The files below a folder. */
type Walked = Pick<Listing, 'images' | 'made' | 'others'>

/** Endings of files in which people keep labels. */
const tableExtensions: readonly string[] = '.csv .tsv .xlsx .json .xml'.split(' ')

/**
 * List a folder, links followed.
 * @throws CflowError NOT_FOUND where there is no such folder, IO where it cannot be read
 */
export async function listFolder(folder: string): Promise<Listing> {
  const folders: string[] = []
  const images: string[] = []
  const made: string[] = []
  const unread: string[] = []
  const tables: string[] = []
  const others: string[] = []
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(folder, cause)
  })
  for (const entry of entries) {
    const { name } = entry
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const found = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry
    const extension = endingOf(name)
    if (found.isDirectory()) folders.push(name)
    else if (found.isFile() && (await madeFile(path)) !== undefined) made.push(name)
    else if (imageExtensions.includes(extension)) images.push(name)
    else if (foreignExtensions.includes(extension)) unread.push(name)
    else if (tableExtensions.includes(extension)) tables.push(name)
    else others.push(name)
  }
  const all = { folders, images, made, unread, tables, others }
  for (const names of Object.values(all)) names.sort()
  return all
}

/** A file's ending, in lower case and with its dot. */
export const endingOf = (name: string): string => extname(name).toLowerCase()

/**
 * All files below a folder, as paths relative to it with forward slashes: those of a folder in order of name, then those of
 * its subfolders. At most 16 levels deep, so that circular links end.
 * @returns photographs, what predictions and inspections wrote, and all other files
 * @throws CflowError NOT_FOUND or IO
 */
export async function walkFolder(folder: string, depth = 0): Promise<Walked> {
  const { folders, images, made, unread, tables, others } = await listFolder(folder)
  const isPhotograph = (name: string) => photographExtensions.includes(endingOf(name))
  const found = {
    images: [...images, ...unread.filter(isPhotograph)].sort(),
    made: [...made],
    others: [...unread.filter((name) => !isPhotograph(name)), ...tables, ...others].sort(),
  }
  if (depth < maxDepth)
    for (const name of folders) {
      const below = await walkFolder(join(folder, name), depth + 1)
      for (const kind of ['images', 'made', 'others'] as const)
        for (const path of below[kind]) found[kind].push(`${name}/${path}`)
    }
  return found
}

/** True where the path is a folder (or a link to one). */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/**
 * Require a folder.
 * @throws CflowError NOT_FOUND where there is none, USAGE where the path is a file
 */
export async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError(path, cause)
  })
  if (!found.isDirectory())
    throw fault('USAGE', path, 'is a file, not a folder', 'Give the folder that holds the images.')
}

/** The error for a folder without images. */
export function noImages(folder: string): CflowError {
  return new CflowError('EMPTY', `there are no images in ${folder}`, {
    subject: folder,
    hint: `Images end with ${imageExtensions.join(' ')}.`,
  })
}

/**
 * Some bytes of a file from a position on; fewer where it ends before.
 * @throws CflowError NOT_FOUND or IO
 */
export async function readPart(
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  await fileSize(path, { code: 'IMAGE', what: 'a file' })
  let done = 0
  try {
    const file = await open(path, 'r')
    try {
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw fileError(path, cause)
  }
  return bytes.subarray(0, done)
}
