import { CflowError, Random } from '@cflow/base'
import { join } from 'node:path'
import type { OpenContext } from '../../driver.js'
import { fault, imagesIn, noImages } from '../files.js'
import {
  badNames,
  goodNames,
  type ImageFile,
  isNamed,
  type Layout,
  maskNames,
  type Tree,
} from '../layout.js'
import { belowTop, withMasks } from '../masks.js'

/**
 * `good/` beside `bad/`, or beside folders named after the defects; masks where there are any. A seeded share of the good
 * images, at least one of five or more, goes to the test.
 */
export const classes: Layout = {
  name: 'good and bad',
  matches(tree) {
    const { good, bad } = classFolders(tree)
    return good.length + bad.length > 0
  },
  async read(tree, context) {
    const { root, images } = tree
    const { good, bad, masks } = classFolders(tree)
    if (good.length === 0)
      throw fault(
        'EMPTY',
        root,
        `has ${bad.join(', ')} but no folder of good images`,
        'Put good images into good/: the detector learns from those alone.',
      )
    if (images.length > 0)
      throw new CflowError('USAGE', `${images[0]} lies beside ${good[0]}/, in no class`, {
        subject: join(root, images[0]!),
        hint: 'Move it into the folder of good or of defective images.',
      })
    const goodIds = await imagesIn(root, good)
    if (goodIds.length === 0) throw noImages(join(root, good[0]!))
    const badIds = await imagesIn(root, bad)
    if (badIds.length === 0 && bad.some((name) => isNamed(name, badNames)))
      throw noImages(join(root, bad[0]!))
    const kept = badIds.length === 0 ? new Set<string>() : heldOut(goodIds, context)
    const files = [
      ...badIds.map((id): ImageFile => ({ id, split: 'test', defect: defectOf(id) })),
      ...goodIds.map((id): ImageFile => ({
        id,
        split: kept.has(id) ? 'test' : 'train',
        defect: 'good',
      })),
    ]
    return withMasks(root, masks, files, (path) => [belowTop(path), path])
  },
}

function classFolders({ folders }: Tree) {
  const masks = folders.find((name) => isNamed(name, maskNames))
  const good = folders.filter((name) => isNamed(name, goodNames))
  const bad = folders.filter((name) =>
    good.length > 0 ? !good.includes(name) && name !== masks : isNamed(name, badNames),
  )
  return { good, bad, masks }
}

/** `bad/scratch/003.png` is a scratch, `bad/003.png` just bad, `dent/003.png` a dent. */
function defectOf(id: string): string {
  const parts = id.split('/')
  return parts.length > 2 && isNamed(parts[0]!, badNames) ? parts[1]! : parts[0]!
}

function heldOut(ids: readonly string[], context: OpenContext): Set<string> {
  const { testFraction = 0.2, seed = 0 } = context
  if (ids.length < 5 || testFraction === 0) return new Set()
  const count = Math.max(1, Math.round(ids.length * testFraction))
  const order = Random.seeded(seed, 'datasets/folder').permutation(ids.length)
  return new Set([...order.subarray(0, count)].map((i) => ids[i]!))
}
