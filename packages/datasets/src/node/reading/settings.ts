import * as z from 'zod'
import { setting } from '../../driver.js'

const names = z.array(z.string().min(1), 'names of folders, with commas between them').min(1)

/** Settings of data sets that are read from folders: what is not clear from the names of the folders. */
export const folderSettings = z.object({
  good: setting(names, {
    help: 'folders of good images, by name or path (. is the root itself)',
    placeholder: 'NAMES',
    otherwise: 'told from their names',
  }),
  defects: setting(names, {
    help: 'folders of defective images',
    placeholder: 'NAMES',
    otherwise: 'told from their names',
  }),
  masks: setting(names, {
    help: 'folders of ground-truth masks',
    placeholder: 'NAMES',
    otherwise: 'told from their names',
  }),
  ignore: setting(names, { help: 'folders to leave out', placeholder: 'NAMES' }),
  unmasked: setting(z.enum(['good', 'ignore']), {
    help: 'what images without a mask are where only masks tell: good or ignore',
    placeholder: 'NAME',
    otherwise: 'asked for where it matters',
  }),
  maskPolarity: setting(z.enum(['light', 'dark']), {
    help: 'which pixels of a mask are the defect: light or dark',
    placeholder: 'NAME',
    otherwise: 'told from the masks',
  }),
  maskOrientation: setting(z.enum(['shown', 'stored']), {
    help: 'of masks whose images EXIF turns: as shown or as stored',
    placeholder: 'NAME',
    otherwise: 'told from their sizes, else asked for',
  }),
})
export type FolderSettings = z.output<typeof folderSettings>
