import type { Detection } from '@cflow/detector'
import type { Friendly } from '../errors.js'

/** An image brought to a detector. */
export interface Item {
  readonly id: number
  readonly name: string
  readonly blob: Blob
  /** An address of the image for the page. */
  readonly url: string
  /** Where it comes from, such as the detector it belongs to; absent of a person's own. */
  readonly of?: string
  /** `good` or a type of defect, where it is known. */
  readonly truth?: string
  readonly detection?: Detection
  readonly failure?: Friendly
}

/** What is needed to make one. */
export type NewItem = Pick<Item, 'name' | 'blob' | 'truth'>

/** The item as it was before it was judged. */
export const waitingAgain = ({ detection: _, failure: __, ...item }: Item): Item => item

let last = 0

export const itemOf = ({ name, blob, truth }: NewItem, of?: string): Item => ({
  ...{ name, blob, id: ++last, url: URL.createObjectURL(blob) },
  ...(truth !== undefined && { truth }),
  ...(of !== undefined && { of }),
})
