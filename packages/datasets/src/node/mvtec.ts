import { CflowError } from '@cflow/base'
import { basename, join, resolve } from 'node:path'
import type { DatasetDriver } from '../driver.js'
import { isFolder, listFolder, requireFolder } from './files.js'
import { meaningOf } from './reading/names.js'
import { readFolder } from './reading/read-folder.js'
import { folderSettings } from './reading/settings.js'

/** Categories of MVTec AD, or of anything laid out like it; or a category's own folder. */
export const mvtec: DatasetDriver<typeof folderSettings> = {
  name: 'mvtec',
  title: 'MVTec AD',
  settings: folderSettings,
  categories: ({ root }) => categoriesIn(root),
  async open({ root, category, ...settings }, context) {
    await requireFolder(root)
    const chosen = category ?? (await categoryFor(root, context.trained))
    const folder = chosen === undefined ? root : join(root, chosen)
    if (!(await isCategory(folder))) {
      const there = (await categoriesIn(root)).join(', ')
      const message =
        chosen === undefined
          ? `${root} is no category of MVTec AD: it has no train/good`
          : `there is no category '${chosen}' in ${root}`
      throw new CflowError('NOT_FOUND', message, {
        subject: folder,
        hint: there
          ? `Categories there: ${there}.`
          : 'A category is a folder with train/good/, test/<defect>/ and ground_truth/<defect>/.',
      })
    }
    const name = chosen ?? basename(resolve(root))
    return readFolder(folder, { name: 'mvtec', category: name }, settings, context)
  },
}

/** Whether a folder has `train/good`, or the like under another name for good. */
async function isCategory(folder: string): Promise<boolean> {
  if (!(await isFolder(join(folder, 'train')))) return false
  const { folders } = await listFolder(join(folder, 'train'))
  return folders.some((name) => meaningOf(name).kind === 'good')
}

async function categoriesIn(root: string): Promise<readonly string[]> {
  const categories: string[] = []
  for (const name of (await listFolder(root)).folders)
    if (await isCategory(join(root, name))) categories.push(name)
  return categories
}

/** The category of the detector; undefined where the root must be a category itself. */
async function categoryFor(root: string, trained?: string): Promise<string | undefined> {
  const categories = await categoriesIn(root)
  if (categories.length === 0) return undefined
  if (trained !== undefined && categories.includes(trained)) return trained
  throw new CflowError('USAGE', '--dataset mvtec needs --category', {
    subject: '--category',
    hint: `Categories in ${root}: ${categories.join(', ')}.`,
  })
}
