import type { Detection, DetectionOf, Region } from '@cflow/detector'
import type { Friendly } from '../errors.js'

/** What a detector says of an image, without its map. */
export type Verdict = DetectionOf<{ readonly map: false }>

/** An anomaly map put by: 256 kB each, which the browser may keep elsewhere than in the page's memory. */
export interface StoredMap {
  readonly width: number
  readonly height: number
  readonly data: Blob
}

export const stored = ({ width, height, data }: Detection['anomalyMap']): StoredMap => ({
  ...{ width, height },
  data: new Blob([data as Float32Array<ArrayBuffer>]),
})

export const unstored = async ({
  width,
  height,
  data,
}: StoredMap): Promise<Detection['anomalyMap']> => ({
  ...{ width, height },
  data: new Float32Array(await data.arrayBuffer()),
})

/** An image brought to a detector. */
export interface Item {
  readonly id: number
  readonly name: string
  /** Where it was, in the folder that was brought; the name where there was none. */
  readonly path?: string
  readonly blob: Blob
  /** The image as it is to be seen, where browsers would not turn it as EXIF says. */
  readonly upright?: Blob
  /** An address of the image for the page. */
  readonly url: string
  /** Where it comes from, such as the detector it belongs to; absent of a person's own. */
  readonly of?: string
  /** `good` or a type of defect, where it is known. */
  readonly truth?: string
  readonly detection?: Verdict
  readonly map?: StoredMap
  /** The regions that the detection's score leaves out, and the score of the whole; absent where all of the image counts. */
  readonly outside?: { readonly whole: number; readonly regions: readonly Region[] }
  /** Of each scale alone, once one of them was asked for; empty where they cannot be had. */
  readonly scaleMaps?: readonly StoredMap[]
  /** What a person says of it. */
  readonly mark?: 'fine' | 'defect'
  readonly failure?: Friendly
}

/** What is needed to make one. */
export type NewItem = Pick<Item, 'name' | 'path' | 'blob' | 'truth'>

/** The item as it was before it was judged. */
export const waitingAgain = ({
  detection: _,
  map: __,
  scaleMaps: ___,
  failure: ____,
  outside: _____,
  ...item
}: Item): Item => item

let last = 0

export const itemOf = ({ name, path, blob, truth }: NewItem, of?: string): Item => ({
  ...{ name, blob, id: ++last, url: URL.createObjectURL(blob) },
  ...(path !== undefined && { path }),
  ...(truth !== undefined && { truth }),
  ...(of !== undefined && { of }),
})
