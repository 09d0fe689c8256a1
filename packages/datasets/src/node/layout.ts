import { CflowError, type Mask } from '@cflow/base'
import { join } from 'node:path'
import type { Dataset, Sample, Split } from '../dataset.js'
import type { OpenContext } from '../driver.js'
import { type Listing, listFolder } from './files.js'
import { decodeImage, decodeMask, imageSize } from './images.js'

/** An image file of a dataset. */
export interface ImageFile {
  /** Path relative to the root, with forward slashes. */
  readonly id: string
  readonly split: Split
  /** 'good', 'unknown', or the type of defect. */
  readonly defect: string
  /** Path of the ground-truth mask. */
  readonly mask?: string
}

/** A folder of images, and what it holds directly. */
export interface Tree extends Listing {
  readonly root: string
}

/** A way in which folders of images are laid out. */
export interface Layout {
  readonly name: string
  matches(tree: Tree): boolean
  /**
   * The images: those to learn from in order, and those to judge in order.
   * @throws CflowError EMPTY where there is nothing to learn from; MASK; USAGE
   */
  read(tree: Tree, context: OpenContext): Promise<readonly ImageFile[]>
}

/**
 * Read a folder in the first layout that fits.
 * @throws CflowError as the layout; NOT_FOUND, IO
 */
export async function readFolder(
  root: string,
  layouts: readonly Layout[],
  { name, category }: Pick<Dataset, 'name' | 'category'>,
  context: OpenContext,
): Promise<Dataset> {
  const tree = { root, ...(await listFolder(root)) }
  const files = await layouts.find((layout) => layout.matches(tree))?.read(tree, context)
  const samples = (files ?? []).map((file) => fileSample(root, file))
  const of = (split: Split): Sample[] => samples.filter((sample) => sample.split === split)
  return { name, category, train: of('train'), test: of('test') }
}

/** The sample of a file. Nothing is read yet. */
export function fileSample(root: string, { id, split, defect, mask }: ImageFile): Sample {
  const path = join(root, id)
  const label = defect === 'good' || defect === 'unknown' ? defect : 'anomalous'
  const sample = { id, split, label, defect, path, load: () => decodeImage(path) } as const
  if (mask === undefined) return sample
  return { ...sample, loadMask: async () => fitting(await decodeMask(mask), mask, path) }
}

/**
 * A mask that has its image's size.
 * @throws CflowError MASK where it has another
 */
export async function fitting(mask: Mask, maskPath: string, imagePath: string): Promise<Mask> {
  const { width, height } = await imageSize(imagePath)
  if (mask.width === width && mask.height === height) return mask
  throw new CflowError(
    'MASK',
    `the mask has ${mask.width}×${mask.height} pixels and its image ${imagePath} ${width}×${height}`,
    { subject: maskPath, hint: 'Resize the mask (nearest neighbour) to the size of its image.' },
  )
}

/** Folder names that hold ground truth. */
export const maskNames: readonly string[] = ['ground_truth', 'masks', 'mask']

/** Folder names that mean good images. */
export const goodNames: readonly string[] = ['good', 'ok', 'normal', 'train']

/** Folder names that mean defective images; any other folder beside a good one counts as a type of defect too. */
export const badNames: readonly string[] = ['bad', 'defect', 'defective', 'anomalous', 'ng']

/** Whether a folder's name is one of some, in any case. */
export function isNamed(folder: string, names: readonly string[]): boolean {
  return names.includes(folder.toLowerCase())
}
