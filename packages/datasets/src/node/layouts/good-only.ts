import { join } from 'node:path'
import { fault, imagesIn, noImages } from '../files.js'
import { type ImageFile, isNamed, type Layout, maskNames } from '../layout.js'

/** Good images alone, flat or nested: all to learn from. */
export const goodOnly: Layout = {
  name: 'good only',
  matches: () => true,
  async read({ root, folders, images }) {
    const masks = folders.find((name) => isNamed(name, maskNames))
    if (masks !== undefined)
      throw fault(
        'MASK',
        join(root, masks),
        'holds masks, but no folder says what is defective',
        'Sort the images into good/ and bad/.',
      )
    const ids = [...images, ...(await imagesIn(root, folders))]
    if (ids.length === 0) throw noImages(root)
    return ids.map((id): ImageFile => ({ id, split: 'train', defect: 'good' }))
  },
}
