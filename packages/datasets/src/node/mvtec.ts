import { CflowError } from '@cflow/base'
import { basename, join, resolve } from 'node:path'
import type { Dataset } from '../dataset.js'
import { isFolder, listFolder, requireFolder } from './files.js'
import { readSplitLayout } from './split-layout.js'

/**
 * A category of MVTec AD, or of anything laid out like it: `train/good/`, `test/<defect>/` (with `test/good/`) and
 * `ground_truth/<defect>/<name>_mask.png`. Sorted by folder, then by name. Defective images without a mask have no
 * `loadMask`.
 * @param root the folder that holds the categories; or, without `category`, the category's own folder
 * @throws CflowError NOT_FOUND where the root or the category does not exist (the hint lists what does), EMPTY where
 *   there are no training images, MASK for a mask without its image
 */
export async function mvtecDataset(root: string, category?: string): Promise<Dataset> {
  await requireFolder(root)
  const folder = category === undefined ? root : join(root, category)
  if (!(await isFolder(join(folder, 'train', 'good')))) throw await noCategory(root, category)
  const has = async (name: string): Promise<string | undefined> =>
    (await isFolder(join(folder, name))) ? name : undefined
  return readSplitLayout(folder, {
    name: 'mvtec',
    category: category ?? basename(resolve(root)),
    train: ['train/good'],
    test: await has('test'),
    masks: await has('ground_truth'),
    isGood: (name) => name === 'good',
  })
}

/**
 * The categories of MVTec AD in a folder: the subfolders that have `train/good/`, sorted.
 * @throws CflowError NOT_FOUND where there is no such folder
 */
export async function mvtecCategories(root: string): Promise<string[]> {
  const categories: string[] = []
  for (const name of (await listFolder(root)).folders)
    if (await isFolder(join(root, name, 'train', 'good'))) categories.push(name)
  return categories
}

async function noCategory(root: string, category: string | undefined): Promise<CflowError> {
  const categories = await mvtecCategories(root)
  const hint =
    categories.length === 0
      ? 'A category is a folder with train/good/, test/<defect>/ and ground_truth/<defect>/.'
      : `Categories there: ${categories.join(', ')}.`
  const subject = category === undefined ? root : join(root, category)
  const message =
    category === undefined
      ? `${root} is no category of MVTec AD: it has no train/good`
      : `there is no category '${category}' in ${root}`
  return new CflowError('NOT_FOUND', message, { subject, hint })
}
