import type { Detection } from '@cflow/detector'
import type { Friendly } from '../errors.js'

/** An image brought to the detector. */
export interface Item {
  readonly id: number
  readonly name: string
  readonly blob: Blob
  /** An address of the image for the page. */
  readonly url: string
  /** `good` or a type of defect, where it is known. */
  readonly truth?: string
  readonly detection?: Detection
  readonly failure?: Friendly
}

/** What is needed to make one. */
export type NewItem = Pick<Item, 'name' | 'blob' | 'truth'>

/** The item as it was before it was judged. */
export const waitingAgain = ({ id, name, blob, url, truth }: Item): Item => ({
  ...{ id, name, blob, url },
  ...(truth !== undefined && { truth }),
})

let last = 0

export const itemOf = (image: NewItem): Item => ({
  ...image,
  id: ++last,
  url: URL.createObjectURL(image.blob),
})
