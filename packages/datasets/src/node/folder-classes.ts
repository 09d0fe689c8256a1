import { Random } from '@cflow/base'
import { join } from 'node:path'
import type { Dataset, Sample } from '../dataset.js'
import { fileSample } from './file-sample.js'
import { noImages, walkImages } from './files.js'
import { isBadName } from './folder-names.js'
import { matchMasks, withoutEnding } from './masks.js'

/** Names of the folders of a root: of good images, of defective ones, of masks. */
export interface Classes {
  readonly good: readonly string[]
  readonly bad: readonly string[]
  readonly masks: string | undefined
}

/**
 * Read folders of good and of defective images; a seeded share of the good ones goes to the test.
 * @throws CflowError EMPTY where there is nothing to learn from; MASK
 */
export async function readClasses(
  root: string,
  category: string,
  { good, bad, masks }: Classes,
  { testFraction, seed }: { readonly testFraction: number; readonly seed: number },
): Promise<Dataset> {
  const goodIds = await idsIn(root, good)
  if (goodIds.length === 0) throw noImages(join(root, good[0]!))
  const badIds = await idsIn(root, bad)
  if (bad.length > 0 && badIds.length === 0 && bad.some((b) => isBadName(b)))
    throw noImages(join(root, bad[0]!))
  const owner = (good: boolean) => (id: string) => {
    const key = withoutEnding(id)
    return { id, keys: [key.slice(key.indexOf('/') + 1), key], good }
  }
  const found =
    masks === undefined
      ? undefined
      : await matchMasks(join(root, masks), [
          ...goodIds.map(owner(true)),
          ...badIds.map(owner(false)),
        ])
  const kept = badIds.length === 0 ? new Set<string>() : heldOut(goodIds, testFraction, seed)
  const goods = (split: Sample['split']): Sample[] =>
    goodIds
      .filter((id) => kept.has(id) === (split === 'test'))
      .map((id) => fileSample({ root, id, split, defect: 'good' }))
  const bads = badIds.map((id) =>
    fileSample({ root, id, split: 'test', defect: defectOf(id), mask: found?.get(id) }),
  )
  return { name: 'folder', category, train: goods('train'), test: [...bads, ...goods('test')] }
}

async function idsIn(root: string, folders: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const folder of folders)
    for (const path of await walkImages(join(root, folder))) ids.push(`${folder}/${path}`)
  return ids
}

/** `bad/scratch/003.png` is a scratch, `bad/003.png` just bad, `dent/003.png` a dent. */
function defectOf(id: string): string {
  const parts = id.split('/')
  return parts.length > 2 && isBadName(parts[0]!) ? parts[1]! : parts[0]!
}

function heldOut(ids: readonly string[], fraction: number, seed: number): Set<string> {
  if (ids.length < 5 || fraction === 0) return new Set()
  const count = Math.max(1, Math.round(ids.length * fraction))
  const order = Random.seeded(seed, 'datasets/folder').permutation(ids.length)
  return new Set([...order.subarray(0, count)].map((i) => ids[i]!))
}
