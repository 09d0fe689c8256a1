import { CflowError } from '@cflow/base'
import { basename, resolve } from 'node:path'
import { type DatasetDriver, noSettings } from '../driver.js'
import { requireFolder } from './files.js'
import { goodNames, type Layout, maskNames, readFolder } from './layout.js'
import { classes } from './layouts/classes.js'
import { goodOnly } from './layouts/good-only.js'
import { splitLayout } from './layouts/split.js'

/** What a folder may look like; the first that fits counts. */
const layouts: readonly Layout[] = [
  splitLayout('train and test', goodNames, maskNames),
  classes,
  goodOnly,
]

const categoryOf = (root: string): string => basename(resolve(root))

/** A plain folder. The category is its name unless given. */
export const folder: DatasetDriver<typeof noSettings> = {
  name: 'folder',
  title: 'A folder of images',
  settings: noSettings,
  categories: async ({ root }) => [categoryOf(root)],
  async open({ root, category = categoryOf(root) }, context) {
    const { testFraction = 0 } = context
    if (!(testFraction >= 0 && testFraction <= 0.9))
      throw new CflowError('USAGE', 'testFraction is a number from 0 to 0.9', {
        subject: 'testFraction',
      })
    await requireFolder(root)
    return readFolder(root, layouts, { name: 'folder', category }, context)
  },
}
