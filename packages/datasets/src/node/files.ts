import { CflowError, type ErrorCode } from '@cflow/base'
import { fileError as errorAbout, fileSize } from '@cflow/base/node'
import { open, readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { madeFile } from './made.js'

/**
 * File name endings taken for images, in lower case. HEIC and JPEG XL are listed so that they are reported instead of
 * overlooked.
 */
export const imageExtensions: readonly string[] = (
  '.png .jpg .jpeg .jpe .jfif .webp .tif .tiff .gif .avif .bmp .dib .pbm .pgm .ppm .pnm ' +
  '.jp2 .j2k .j2c .jpx .jpf .heic .heif .jxl'
).split(' ')

const maxDepth = 16

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
  /** Pictures that a prediction wrote. */
  readonly made: readonly string[]
  /** Files that are no images by their names. */
  readonly others: readonly string[]
}

/**
 * List a folder, links followed.
 * @throws CflowError NOT_FOUND where there is no such folder, IO where it cannot be read
 */
export async function listFolder(folder: string): Promise<Listing> {
  const folders: string[] = []
  const images: string[] = []
  const made: string[] = []
  const others: string[] = []
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(folder, cause)
  })
  for (const entry of entries) {
    const { name } = entry
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const found = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry
    if (found.isDirectory()) folders.push(name)
    else if (!imageExtensions.includes(extname(name).toLowerCase())) others.push(name)
    else if (found.isFile() && (await madeFile(path)) !== undefined) made.push(name)
    else images.push(name)
  }
  return {
    folders: folders.sort(),
    images: images.sort(),
    made: made.sort(),
    others: others.sort(),
  }
}

/** All files below a folder, as paths relative to it with forward slashes; as `walkImages`. */
export async function walkFolder(folder: string, depth = 0): Promise<Omit<Listing, 'folders'>> {
  const { folders, images, made, others } = await listFolder(folder)
  const found = { images: [...images], made: [...made], others: [...others] }
  if (depth < maxDepth)
    for (const name of folders) {
      const below = await walkFolder(join(folder, name), depth + 1)
      for (const kind of ['images', 'made', 'others'] as const)
        for (const path of below[kind]) found[kind].push(`${name}/${path}`)
    }
  return found
}

/**
 * All images below a folder as paths relative to it with forward slashes: those of a folder in order of name, then
 * those of its subfolders. At most 16 levels deep, so that circular links end.
 * @throws CflowError NOT_FOUND or IO
 */
export const walkImages = async (folder: string, depth = 0): Promise<readonly string[]> =>
  (await walkFolder(folder, depth)).images

/** All images below some subfolders, as paths relative to `folder`; as `walkImages`. */
export async function imagesIn(
  folder: string,
  subfolders: readonly string[],
  depth = 0,
): Promise<string[]> {
  const found: string[] = []
  for (const name of subfolders)
    for (const path of await walkImages(join(folder, name), depth)) found.push(`${name}/${path}`)
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
