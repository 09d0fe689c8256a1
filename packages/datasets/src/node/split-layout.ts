import { join } from 'node:path'
import type { Dataset, Sample } from '../dataset.js'
import { fileSample } from './file-sample.js'
import { listFolder, noImages, walkImages } from './files.js'
import { matchMasks, withoutEnding } from './masks.js'

/** How a folder with an explicit split is laid out. */
export interface SplitLayout {
  readonly name: string
  readonly category: string
  /** Folder of the images to learn from, relative to the root. */
  readonly train: readonly string[]
  /** Folder whose subfolders are the classes of the test; absent where there is none. */
  readonly test?: string | undefined
  readonly masks?: string | undefined
  /** Whether a class of the test is the good one. */
  isGood(name: string): boolean
}

/**
 * Read `train…/`, `test/<class>/` and `masks/<class>/`, as MVTec AD has them.
 * @throws CflowError EMPTY where there is nothing to learn from; MASK
 */
export async function readSplitLayout(root: string, layout: SplitLayout): Promise<Dataset> {
  const train: Sample[] = []
  for (const folder of layout.train)
    for (const path of await walkImages(join(root, folder)))
      train.push(fileSample({ root, id: `${folder}/${path}`, split: 'train', defect: 'good' }))
  if (train.length === 0) throw noImages(join(root, layout.train[0] ?? 'train'))
  const test = layout.test === undefined ? [] : await readTest(root, layout.test, layout)
  return { name: layout.name, category: layout.category, train, test }
}

async function readTest(root: string, folder: string, layout: SplitLayout): Promise<Sample[]> {
  const { folders, images } = await listFolder(join(root, folder))
  const found = images.map((name) => ({ path: name, defect: 'unknown' }))
  for (const name of folders)
    for (const path of await walkImages(join(root, folder, name)))
      found.push({ path: `${name}/${path}`, defect: layout.isGood(name) ? 'good' : name })
  const id = (path: string): string => `${folder}/${path}`
  const masks =
    layout.masks === undefined
      ? undefined
      : await matchMasks(
          join(root, layout.masks),
          found.map(({ path, defect }) => ({
            id: id(path),
            keys: [withoutEnding(path)],
            good: defect === 'good',
          })),
        )
  return found.map(({ path, defect }) =>
    fileSample({ root, id: id(path), split: 'test', defect, mask: masks?.get(id(path)) }),
  )
}
