import { CflowError } from '@cflow/base'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import type { Dataset } from '../dataset.js'
import { fileSample } from './file-sample.js'
import { listFolder, noImages, requireFolder, walkImages } from './files.js'
import { readClasses } from './folder-classes.js'
import { badFolderNames, goodFolderNames, isGoodName } from './folder-names.js'
import { maskFolderNames } from './masks.js'
import { readSplitLayout } from './split-layout.js'

const schema = z.strictObject({
  category: z.string().min(1).optional(),
  testFraction: z.number().min(0).max(0.9).default(0.2),
  seed: z.int().default(0),
})

/** Options of `folderDataset`. */
export interface FolderOptions {
  /** Name of the kind of object; the folder's name unless given. */
  readonly category?: string
  /** Share of the good images kept for the test where nothing says which; 0.2 unless given. */
  readonly testFraction?: number
  /** Which ones: seed of the split; 0 unless given. */
  readonly seed?: number
}

/**
 * A dataset from a plain folder, in the first of these layouts that fits (names in any case):
 * 1. `train/` and `test/`: read as MVTec AD is; `train/` may hold images directly, images directly in `test/` are
 *    'unknown', masks lie in `ground_truth/` or `masks/`;
 * 2. `good/` (or ok, normal, train) beside `bad/` (or defect, defective, anomalous, ng, or folders named after the
 *    defects), masks in `masks/` or `ground_truth/` where there are any. A seeded `testFraction` of the good images,
 *    at least one of five or more, goes to the test;
 * 3. only good images, flat or nested: all to learn from, an empty test.
 * @throws CflowError NOT_FOUND, EMPTY (nothing to learn from), MASK (a mask without its image), USAGE (an option, or
 *   images that belong nowhere)
 */
export async function folderDataset(root: string, options: FolderOptions = {}): Promise<Dataset> {
  const parsed = schema.safeParse(options)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new CflowError('USAGE', `option ${path.join('.')}: ${message}`, {
      subject: path.join('.'),
    })
  }
  await requireFolder(root)
  const category = parsed.data.category ?? basename(resolve(root))
  const { folders, images } = await listFolder(root)
  const named = (names: readonly string[]): string[] =>
    folders.filter((f) => names.includes(f.toLowerCase()))
  const [train, test, masks] = [named(['train'])[0], named(['test'])[0], named(maskFolderNames)[0]]
  if (train !== undefined && test !== undefined)
    return readSplitLayout(root, {
      name: 'folder',
      category,
      train: await trainFolders(root, train),
      test,
      masks,
      isGood: isGoodName,
    })
  const good = named(goodFolderNames)
  const rest = folders.filter((f) => !good.includes(f) && f !== masks)
  const bad = good.length > 0 ? rest : named(badFolderNames)
  if (good.length + bad.length === 0) return onlyGood(root, category, images, folders, masks)
  if (good.length === 0) throw noGood(root, bad)
  if (images.length > 0)
    throw new CflowError('USAGE', `${images[0]} lies beside ${good[0]}/, in no class`, {
      subject: join(root, images[0]!),
      hint: 'Move it into the folder of good or of defective images.',
    })
  return readClasses(root, category, { good, bad, masks }, parsed.data)
}

async function trainFolders(root: string, train: string): Promise<string[]> {
  const { folders } = await listFolder(join(root, train))
  const good = folders.filter(isGoodName)
  return good.length === 0 ? [train] : good.map((name) => `${train}/${name}`)
}

function noGood(root: string, bad: readonly string[]): CflowError {
  return new CflowError('EMPTY', `${root} has ${bad.join(', ')} but no folder of good images`, {
    subject: root,
    hint: 'Put good images into good/: the detector learns from those alone.',
  })
}

async function onlyGood(
  root: string,
  category: string,
  images: readonly string[],
  folders: readonly string[],
  masks: string | undefined,
): Promise<Dataset> {
  if (masks !== undefined)
    throw new CflowError(
      'MASK',
      `${join(root, masks)} holds masks, but no folder says what is defective`,
      {
        subject: join(root, masks),
        hint: 'Sort the images into good/ and bad/.',
      },
    )
  const ids = [...images]
  for (const folder of folders)
    for (const path of await walkImages(join(root, folder))) ids.push(`${folder}/${path}`)
  if (ids.length === 0) throw noImages(root)
  const train = ids.map((id) => fileSample({ root, id, split: 'train', defect: 'good' }))
  return { name: 'folder', category, train, test: [] }
}
