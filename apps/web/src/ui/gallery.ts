import { create } from './dom.js'

/** What a gallery shows of an image. */
export interface Tile {
  readonly id: number
  readonly name: string
  readonly url: string
  /** What stands under the picture, a word for those who do not see it, and how it is coloured. */
  readonly verdict?: {
    readonly text: string
    readonly word: string
    readonly kind: 'good' | 'bad' | 'error'
  }
}

interface Acts {
  /** Where images can be chosen, they are buttons. */
  readonly onSelect?: (id: number) => void
  readonly onRemove: (id: number) => void
}

/** Small pictures in a list. */
export function gallery(list: HTMLUListElement, acts: Acts) {
  const nodes = new Map<number, { item: HTMLLIElement; state: string }>()
  /** Remove one, and go on at the one beside it. */
  const remove = (id: number) => {
    const { item } = nodes.get(id)!
    const beside = item.nextElementSibling ?? item.previousElementSibling
    acts.onRemove(id)
    beside?.querySelector('button')?.focus()
  }
  return {
    /** Show these, in this order; tiles that are there already are kept. */
    show(tiles: readonly Tile[], selected?: number, isFixed = false): void {
      const ids = new Set(tiles.map((t) => t.id))
      for (const [id, { item }] of nodes)
        if (!ids.has(id)) {
          item.remove()
          nodes.delete(id)
        }
      let place = list.firstElementChild
      for (const tile of tiles) {
        const isSelected = tile.id === selected
        const state = `${tile.verdict?.text} ${tile.verdict?.kind} ${isSelected} ${isFixed}`
        const known = nodes.get(tile.id)
        const item = known?.item ?? newItem(tile, acts.onSelect, remove)
        if (item === place) place = place.nextElementSibling
        else list.insertBefore(item, place)
        if (known?.state === state) continue
        nodes.set(tile.id, { item, state })
        update(item, tile, isSelected, isFixed)
      }
    },
  }
}

function newItem(
  tile: Tile,
  onSelect: ((id: number) => void) | undefined,
  remove: (id: number) => void,
): HTMLLIElement {
  const picture = create('img', { src: tile.url, alt: '', loading: 'lazy', decoding: 'async' })
  picture.addEventListener('error', () => picture.classList.add('broken'))
  const name = create('span', { class: 'name', title: tile.name }, tile.name)
  const cross = create('button', { type: 'button', class: 'remove', title: 'Remove' }, '×')
  cross.setAttribute('aria-label', `Remove ${tile.name}`)
  cross.addEventListener('click', () => remove(tile.id))
  if (!onSelect) return create('li', {}, create('div', { class: 'thumb' }, picture, name), cross)
  const button = create('button', { type: 'button', class: 'tile' }, picture, name)
  button.addEventListener('click', () => onSelect(tile.id))
  button.addEventListener('keydown', ({ key }) => {
    if (key === 'Delete') remove(tile.id)
  })
  // by the keyboard it is the Delete key
  cross.tabIndex = -1
  return create('li', {}, button, cross)
}

function update(
  item: HTMLLIElement,
  { verdict }: Tile,
  isSelected: boolean,
  isFixed: boolean,
): void {
  const box = item.firstElementChild!
  item.querySelector<HTMLButtonElement>('.remove')!.hidden = isFixed
  if (box.localName === 'button') box.setAttribute('aria-pressed', String(isSelected))
  box.querySelector('.mark')?.remove()
  if (!verdict) return
  const word = create('span', { class: 'visually-hidden' }, `${verdict.word} `)
  box.append(create('span', { class: `mark ${verdict.kind}` }, word, verdict.text))
}
