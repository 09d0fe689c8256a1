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
  /** The files of the ground truth, where it is in files. */
  readonly maskPaths?: readonly string[]
  /**
   * The ground truth, of the image's size. Absent where there is none; an all-zero mask is implied for good images.
   * @throws CflowError MASK when it has another size than its image, or is no mask
   */
  loadMask?(): Promise<TruthMask>
}

/** A mask with what is remarkable about it. */
export interface TruthMask extends Mask {
  /** What is to be said of it, such as 'is empty'; the sentence begins with the image's name. */
  readonly remarks?: readonly string[]
}

/** What the images of a folder are used for. */
export type FolderRole =
  'train' | 'test good' | 'test defect' | 'test unknown' | 'masks' | 'left out'

/** What the images of one folder, or of one class, were taken for. */
export interface FolderReading {
  /** Path below the root, with forward slashes; '.' for images directly in the root. */
  readonly folder: string
  readonly role: FolderRole
  /** The name of the defect, where it is one. */
  readonly defect?: string
  /** Number of images, or of masks where the folder holds masks. */
  readonly images: number
  /** How many of the images have a mask. */
  readonly masks: number
  /** Why it is left out, or what was decided about it that no name says. */
  readonly why?: string
}

/** How a folder of images was read. */
export interface Reading {
  readonly root: string
  /** In the order of the folders. */
  readonly folders: readonly FolderReading[]
  /** Files that look like images and are in no format that is read: how many of each ending. */
  readonly unread: Readonly<Record<string, number>>
  /** What may be wrong with the images or masks, a sentence each. */
  readonly warnings: readonly string[]
}

/** Samples in a fixed order: sorted by folder, then by name. */
export interface Dataset {
  /** Name of its driver, such as 'mvtec'. */
  readonly name: string
  /** The kind of object in the images, such as 'transistor'. */
  readonly category: string
  readonly train: readonly Sample[]
  readonly test: readonly Sample[]
  /** How its folders were read; absent where nothing is read from folders of classes. */
  readonly reading?: Reading
}
