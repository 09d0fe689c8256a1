import { CflowError } from '@cflow/base'
import { join } from 'node:path'
import { fault, walkImages } from './files.js'
import type { ImageFile } from './layout.js'

/**
 * Give images their masks, from a folder of masks, if there is one. A mask lies under the same relative path as its
 * image, with any ending and an optional `_mask` before it; or, where only one defective image has its name, anywhere
 * under that name alone. Masks of good images are passed over.
 * @param keysOf paths, relative to the folder and without ending, under which the mask of an image may lie, such as
 *   `bent_lead/003`; given its path without ending
 * @throws CflowError MASK for a mask without an image, or with several
 */
export async function withMasks(
  root: string,
  masks: string | undefined,
  files: readonly ImageFile[],
  keysOf: (path: string) => readonly string[],
): Promise<readonly ImageFile[]> {
  if (masks === undefined) return files
  const byKey = new Map<string, ImageFile>()
  const byName = new Map<string, Set<ImageFile>>()
  const isGood = (file: ImageFile): boolean => file.defect === 'good'
  for (const file of files.toSorted((a, b) => Number(isGood(b)) - Number(isGood(a))))
    for (const key of keysOf(withoutEnding(file.id))) {
      byKey.set(key, file)
      const name = baseName(key)
      if (!isGood(file)) byName.set(name, (byName.get(name) ?? new Set()).add(file))
    }
  const found = new Map<ImageFile, string>()
  for (const relative of await walkImages(join(root, masks))) {
    const path = join(root, masks, relative)
    const file = ownerOf(relative, path, byKey, byName)
    const other = found.get(file)
    if (other !== undefined)
      throw new CflowError('MASK', `${file.id} has two masks: ${other} and ${path}`, {
        subject: path,
        hint: 'Keep one of them.',
      })
    if (!isGood(file)) found.set(file, path)
  }
  return files.map((file) => {
    const mask = found.get(file)
    return mask === undefined ? file : { ...file, mask }
  })
}

function ownerOf(
  relative: string,
  path: string,
  byKey: ReadonlyMap<string, ImageFile>,
  byName: ReadonlyMap<string, ReadonlySet<ImageFile>>,
): ImageFile {
  const keys = [withoutEnding(relative), withoutEnding(relative).replace(/_mask$/, '')]
  const owner = keys.map((key) => byKey.get(key)).find((file) => file !== undefined)
  if (owner !== undefined) return owner
  const [namesake, ...others] = keys.map((key) => byName.get(baseName(key))).find(Boolean) ?? []
  if (namesake === undefined)
    throw new CflowError('MASK', `there is no image for the mask ${path}`, {
      subject: path,
      hint: 'A mask has the name of its image, with or without _mask before the ending.',
    })
  if (others.length === 0) return namesake
  const ids = [namesake, ...others].map((file) => file.id).join(', ')
  const hint = 'Put masks into the same subfolders as their images.'
  throw fault('MASK', path, `fits several images: ${ids}`, hint)
}

const withoutEnding = (path: string): string => path.replace(/\.[^./]+$/, '')

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** A path within its topmost folder. */
export const belowTop = (path: string): string => path.slice(path.indexOf('/') + 1)
