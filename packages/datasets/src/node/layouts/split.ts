import { join } from 'node:path'
import { imagesIn, listFolder, noImages } from '../files.js'
import { type ImageFile, isNamed, type Layout } from '../layout.js'
import { belowTop, withMasks } from '../masks.js'

/**
 * `train/<good>/` (or images directly in `train/`), `test/<class>/`, and the same below a folder of masks, as MVTec AD has
 * them. Images directly in `test/` are 'unknown'.
 * @param goodNames names of classes that are good
 * @param maskNames names of the folder of masks
 */
export function splitLayout(
  name: string,
  goodNames: readonly string[],
  maskNames: readonly string[],
): Layout {
  const found = (folders: readonly string[]) =>
    [['train'], ['test'], maskNames].map((names) => folders.find((f) => isNamed(f, names)))
  return {
    name,
    matches({ folders }) {
      const [train, test] = found(folders)
      return train !== undefined && test !== undefined
    },
    async read({ root, folders }) {
      const [train = 'train', test, masks] = found(folders)
      const classes = (await listFolder(join(root, train))).folders
        .filter((folder) => isNamed(folder, goodNames))
        .map((folder) => `${train}/${folder}`)
      const sources = classes.length === 0 ? [train] : classes
      const learned = await imagesIn(root, sources)
      if (learned.length === 0) throw noImages(join(root, sources[0]!))
      const judged = test === undefined ? [] : await imagesIn(root, [test])
      const judgedFiles = judged.map((id): ImageFile => {
        const [, folder = '', ...rest] = id.split('/')
        const defect = isNamed(folder, goodNames) ? 'good' : folder
        return { id, split: 'test', defect: rest.length === 0 ? 'unknown' : defect }
      })
      return [
        ...learned.map((id): ImageFile => ({ id, split: 'train', defect: 'good' })),
        ...(await withMasks(root, masks, judgedFiles, (path) => [belowTop(path)])),
      ]
    },
  }
}
