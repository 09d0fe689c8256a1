import { CflowError } from '@cflow/base'
import { join } from 'node:path'
import { walkImages } from './files.js'

/** Folder names that hold ground truth. */
export const maskFolderNames: readonly string[] = ['ground_truth', 'masks', 'mask']

/** An image that may have a mask: its id, and the paths under which a mask for it may lie. */
export interface MaskOwner {
  readonly id: string
  /** Path relative to the folder of its class's parent, no ending: `bent_lead/003`. */
  readonly keys: readonly string[]
  readonly good: boolean
}

/**
 * Find each image's mask in a folder of masks. A mask lies under the same relative path as its image, with any ending
 * and an optional `_mask` before it; or, where only one defective image has its name, anywhere under that name alone.
 * Masks of good images are passed over.
 * @returns path of the mask by id of the image
 * @throws CflowError MASK for a mask without an image, or with several
 */
export async function matchMasks(
  folder: string,
  owners: readonly MaskOwner[],
): Promise<ReadonlyMap<string, string>> {
  const byKey = new Map<string, MaskOwner>()
  const byName = new Map<string, MaskOwner[]>()
  for (const owner of owners.toSorted((a, b) => Number(b.good) - Number(a.good)))
    for (const key of owner.keys) {
      byKey.set(key, owner)
      if (owner.good) continue
      const name = baseName(key)
      const namesakes = byName.get(name) ?? []
      if (!namesakes.includes(owner)) byName.set(name, [...namesakes, owner])
    }
  const found = new Map<string, string>()
  for (const relative of await walkImages(folder)) {
    const path = join(folder, relative)
    const owner = ownerOf(relative, byKey, byName, path)
    if (owner.good) continue
    const other = found.get(owner.id)
    if (other !== undefined)
      throw new CflowError('MASK', `${owner.id} has two masks: ${other} and ${path}`, {
        subject: path,
        hint: 'Keep one of them.',
      })
    found.set(owner.id, path)
  }
  return found
}

function ownerOf(
  relative: string,
  byKey: ReadonlyMap<string, MaskOwner>,
  byName: ReadonlyMap<string, readonly MaskOwner[]>,
  path: string,
): MaskOwner {
  const keys = [withoutEnding(relative), withoutEnding(relative).replace(/_mask$/, '')]
  for (const key of keys) {
    const owner = byKey.get(key)
    if (owner !== undefined) return owner
  }
  const namesakes = keys.map((key) => byName.get(baseName(key)) ?? []).find((l) => l.length > 0)
  if (namesakes?.length === 1) return namesakes[0]!
  if (namesakes !== undefined)
    throw new CflowError(
      'MASK',
      `${path} fits several images: ${namesakes.map((o) => o.id).join(', ')}`,
      {
        subject: path,
        hint: 'Put masks into the same subfolders as their images.',
      },
    )
  throw new CflowError('MASK', `there is no image for the mask ${path}`, {
    subject: path,
    hint: 'A mask has the name of its image, with or without _mask before the ending.',
  })
}

/** A relative path without its ending. */
export function withoutEnding(path: string): string {
  return path.replace(/\.[^./]+$/, '')
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
