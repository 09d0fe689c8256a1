import { join } from 'node:path'
import type { Sample, Split } from '../dataset.js'
import { decodeImage } from './images.js'
import { maskOf, type MaskRules } from './masks.js'

/** An image file of a dataset. */
export interface ImageFile {
  /** Path relative to the root, with forward slashes. */
  readonly id: string
  readonly split: Split
  /** 'good', 'unknown', or the type of defect. */
  readonly defect: string
  /** Paths of the ground-truth masks, below the root: what any of them marks is anomalous. */
  readonly masks?: readonly string[]
}

/** The sample of a file. Nothing is read yet. */
export function fileSample(
  root: string,
  { id, split, defect, masks }: ImageFile,
  rules: MaskRules = {},
): Sample {
  const path = join(root, id)
  const label = defect === 'good' || defect === 'unknown' ? defect : 'anomalous'
  const sample = { id, split, label, defect, path, load: () => decodeImage(path) } as const
  if (masks === undefined) return sample
  const maskPaths = masks.map((mask) => join(root, mask))
  return { ...sample, maskPaths, loadMask: () => maskOf(path, maskPaths, rules) }
}
