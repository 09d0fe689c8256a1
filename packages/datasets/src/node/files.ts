import { CflowError } from '@cflow/base'
import { fileError as errorAbout } from '@cflow/base/node'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** File name endings taken for images, in lower case. BMP is listed so that it is reported instead of overlooked. */
export const imageExtensions: readonly string[] = [
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.tif',
  '.tiff',
  '.gif',
  '.avif',
  '.bmp',
]

/** No image file is larger than this; reading stops there. */
export const maxFileBytes = 512 * 1024 * 1024

const maxDepth = 16

/** True for a name that ends like an image and is not hidden. */
export function isImageName(name: string): boolean {
  return !name.startsWith('.') && imageExtensions.includes(extname(name).toLowerCase())
}

/** Order of names everywhere: by UTF-16 code units, the same on every machine. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A failed file operation as an error about the path. */
export const fileError = (path: string, cause: unknown): CflowError =>
  errorAbout(path, cause, { code: 'IMAGE', what: 'an image' })

/**
 * The bytes of a file.
 * @throws CflowError NOT_FOUND, IMAGE (a folder, or over 512 MiB) or IO
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size > maxFileBytes)
      throw new CflowError('IMAGE', `${path} is larger than 512 MiB`, {
        subject: path,
        hint: 'Reduce the image first.',
      })
    return await readFile(path)
  } catch (cause) {
    throw cause instanceof CflowError ? cause : fileError(path, cause)
  }
}

/** What a folder holds directly: names of subfolders and of image files, both sorted, hidden ones left out. */
export interface Listing {
  readonly folders: readonly string[]
  readonly images: readonly string[]
}

/**
 * List a folder, links followed.
 * @throws CflowError NOT_FOUND where there is no such folder, IO where it cannot be read
 */
export async function listFolder(folder: string): Promise<Listing> {
  const folders: string[] = []
  const images: string[] = []
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      const isFolder = entry.isSymbolicLink()
        ? ((await stat(join(folder, entry.name)).catch(() => undefined))?.isDirectory() ?? false)
        : entry.isDirectory()
      if (isFolder) folders.push(entry.name)
      else if (isImageName(entry.name)) images.push(entry.name)
    }
  } catch (cause) {
    throw fileError(folder, cause)
  }
  return { folders: folders.sort(compareNames), images: images.sort(compareNames) }
}

/**
 * All images below a folder as paths relative to it with forward slashes: those of a folder in order of name, then
 * those of its subfolders. At most 16 levels deep, so that circular links end.
 * @throws CflowError NOT_FOUND or IO
 */
export async function walkImages(folder: string, depth = 0): Promise<string[]> {
  const { folders, images } = await listFolder(folder)
  const below = [...images]
  if (depth < maxDepth)
    for (const name of folders)
      for (const path of await walkImages(join(folder, name), depth + 1))
        below.push(`${name}/${path}`)
  return below
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
    throw new CflowError('USAGE', `${path} is a file, not a folder`, {
      subject: path,
      hint: 'Give the folder that holds the images.',
    })
}

/** The error for a folder without images. */
export function noImages(folder: string): CflowError {
  return new CflowError('EMPTY', `there are no images in ${folder}`, {
    subject: folder,
    hint: 'Images are PNG, JPEG, WebP, TIFF, GIF or AVIF files.',
  })
}
