import { CflowError } from '@cflow/base'
import type { Mask } from '@cflow/base'
import { join } from 'node:path'
import type { Label, Sample, Split } from '../dataset.js'
import { decodeImage, decodeMask, imageSize } from './decode.js'

/** A sample that lies in files. */
export interface FileSample {
  readonly root: string
  /** Path of the image relative to the root, with forward slashes. */
  readonly id: string
  readonly split: Split
  /** 'good', 'unknown', or the type of defect. */
  readonly defect: string
  /** Path of the ground-truth mask. */
  readonly mask?: string | undefined
}

/** Make a sample of a file. Nothing is read yet. */
export function fileSample({ root, id, split, defect, mask }: FileSample): Sample {
  const path = join(root, id)
  const label: Label = defect === 'good' || defect === 'unknown' ? defect : 'anomalous'
  const sample = { id, split, label, defect, path, load: () => decodeImage(path) }
  return mask === undefined ? sample : { ...sample, loadMask: () => maskOf(path, mask) }
}

async function maskOf(imagePath: string, maskPath: string): Promise<Mask> {
  const mask = await decodeMask(maskPath)
  const size = await imageSize(imagePath)
  if (mask.width !== size.width || mask.height !== size.height)
    throw new CflowError(
      'MASK',
      `the mask has ${mask.width}×${mask.height} pixels and its image ${imagePath} ${size.width}×${size.height}`,
      { subject: maskPath, hint: 'Resize the mask (nearest neighbour) to the size of its image.' },
    )
  return mask
}
