import { CflowError } from '@cflow/base'
import { basename, resolve } from 'node:path'
import type { DatasetDriver } from '../driver.js'
import { requireFolder } from './files.js'
import { readFolder } from './reading/read-folder.js'
import { folderSettings } from './reading/settings.js'

const categoryOf = (root: string): string => basename(resolve(root))

/** A plain folder. The category is its name unless given. */
export const folder: DatasetDriver<typeof folderSettings> = {
  name: 'folder',
  title: 'A folder of images',
  settings: folderSettings,
  categories: ({ root }) => Promise.resolve([categoryOf(root)]),
  async open({ root, category = categoryOf(root), ...settings }, context) {
    const { testFraction = 0 } = context
    if (!(testFraction >= 0 && testFraction <= 0.9))
      throw new CflowError('USAGE', 'testFraction is a number from 0 to 0.9', {
        subject: 'testFraction',
      })
    await requireFolder(root)
    return readFolder(root, { name: 'folder', category }, settings, context)
  },
}
