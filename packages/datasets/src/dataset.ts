import type { Mask, RgbImage } from '@cflow/base'

/** Where a sample is used: to learn what is normal, or to be judged. */
export type Split = 'train' | 'test'

/** What is known about a sample. 'unknown' where nobody sorted the image. */
export type Label = 'good' | 'anomalous' | 'unknown'

/** One image of a dataset. Nothing is read or rendered before `load` is called. */
export interface Sample {
  /** Unique in its dataset, with forward slashes: the path relative to the root, or `test/hole/003`. */
  readonly id: string
  readonly split: Split
  readonly label: Label
  /** 'good', or the type of defect; 'unknown' for an unsorted image. */
  readonly defect: string
  /** The image file, where there is one. */
  readonly path?: string
  /** The sequence, such as a video, that the image is a part of: neighbours are alike. Absent for single images. */
  readonly sequence?: string
  /**
   * The image, 8-bit RGB at its own size. A fresh copy on each call.
   * @throws CflowError NOT_FOUND or IMAGE where the file is gone or cannot be decoded
   */
  load(): Promise<RgbImage>
  /**
   * The ground truth, of the image's size. Absent where there is none; an all-zero mask is implied for good images.
   * @throws CflowError MASK when it has another size than its image
   */
  loadMask?(): Promise<Mask>
}

/** Samples in a fixed order: sorted by folder, then by name. */
export interface Dataset {
  /** Name of its driver, such as 'mvtec'. */
  readonly name: string
  /** The kind of object in the images, such as 'transistor'. */
  readonly category: string
  readonly train: readonly Sample[]
  readonly test: readonly Sample[]
}
