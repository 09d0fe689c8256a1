import { join } from 'node:path'
import { imagesIn, listFolder, noImages } from '../files.js'
import { goodNames, type ImageFile, isNamed, type Layout, maskNames, type Tree } from '../layout.js'
import { belowTop, withMasks } from '../masks.js'

/** Names of the folders of an explicit split, relative to the root. */
interface SplitFolders {
  readonly train: readonly string[]
  /** Its subfolders are the classes of the test. */
  readonly test?: string | undefined
  readonly masks?: string | undefined
}

/** `train/` and `test/`, read as MVTec AD is; `train/` may hold images directly, those directly in `test/` are 'unknown'. */
export const split: Layout = {
  name: 'train and test',
  matches: (tree) => ['train', 'test'].every((name) => named(tree, [name]) !== undefined),
  async read(tree) {
    const train = named(tree, ['train'])!
    const { folders } = await listFolder(join(tree.root, train))
    const good = folders.filter((name) => isNamed(name, goodNames))
    const folder = {
      train: good.length === 0 ? [train] : good.map((name) => `${train}/${name}`),
      test: named(tree, ['test']),
      masks: named(tree, maskNames),
    }
    return readSplit(tree.root, folder, (name) => isNamed(name, goodNames))
  },
}

const named = ({ folders }: Tree, names: readonly string[]): string | undefined =>
  folders.find((folder) => isNamed(folder, names))

/**
 * Read `train…/`, `test/<class>/` and `masks/<class>/`, as MVTec AD has them.
 * @param isGood whether a class of the test is the good one
 * @throws CflowError EMPTY where there is nothing to learn from; MASK
 */
export async function readSplit(
  root: string,
  { train, test, masks }: SplitFolders,
  isGood: (name: string) => boolean,
): Promise<readonly ImageFile[]> {
  const learned = (await imagesIn(root, train)).map((id): ImageFile => ({
    id,
    split: 'train',
    defect: 'good',
  }))
  if (learned.length === 0) throw noImages(join(root, train[0]!))
  const judged = (test === undefined ? [] : await imagesIn(root, [test])).map((id): ImageFile => {
    const [, name, ...rest] = id.split('/')
    const defect = rest.length === 0 ? 'unknown' : isGood(name!) ? 'good' : name!
    return { id, split: 'test', defect }
  })
  if (masks === undefined) return [...learned, ...judged]
  const known = await withMasks(join(root, masks), judged, (path) => [belowTop(path)])
  return [...learned, ...known]
}
