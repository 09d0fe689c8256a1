import { withoutOrientation } from '@cflow/datasets'
import type { Item } from '../detect/item.js'
import { turnedTo, type State } from '../state/state.js'
import { oneByOne } from '../state/one-by-one.js'
import type { Store } from '../state/store.js'

/**
 * Give every PNG and WebP with an orientation a picture that lies as the detector sees it: browsers differ in whether they turn
 * these, and a heat map would lie wrong. One after the other, the selected one first.
 */
export function turnPictures(store: Store<State>): void {
  const seen = new Set<number>()
  const isNew = (item: Item) => !seen.has(item.id)
  const next = ({ items, selected, training }: State): Item | undefined =>
    items.find((i) => i.id === selected && isNew(i)) ??
    items.find(isNew) ??
    training.images.find(isNew)
  oneByOne(store, next, async ({ id, blob }) => {
    seen.add(id)
    // what cannot be read or is too large to draw is told of where it is judged
    const upright = await uprightOf(blob).catch(() => undefined)
    if (upright) store.change(turnedTo(id, upright))
  })
}

/** The image turned, as a PNG; undefined where browsers show it as it is meant. */
async function uprightOf(blob: Blob): Promise<Blob | undefined> {
  const head = new TextDecoder('latin1').decode(await blob.slice(0, 12).arrayBuffer())
  if (head.slice(1, 4) !== 'PNG' && head.slice(8) !== 'WEBP') return undefined
  const found = withoutOrientation(new Uint8Array(await blob.arrayBuffer()))
  if (!found) return undefined
  const { orientation, parts } = found
  const bitmap = await createImageBitmap(new Blob(parts as Uint8Array<ArrayBuffer>[]))
  const { width: w, height: h } = bitmap
  const isAcross = orientation >= 5
  const canvas = new OffscreenCanvas(isAcross ? h : w, isAcross ? w : h)
  const context = canvas.getContext('2d')!
  context.setTransform(...placed[orientation]!(w, h))
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return canvas.convertToBlob({ type: 'image/png' })
}

type Placed = (w: number, h: number) => readonly [number, number, number, number, number, number]

/** Where a canvas puts the pixels of w×h, by the orientation in EXIF. */
const placed: Readonly<Record<number, Placed>> = {
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (_, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (_, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
}
