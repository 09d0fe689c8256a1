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

/** Small pictures in a list; as buttons where they can be chosen. */
export function gallery(list: HTMLUListElement, onSelect?: (id: number) => void) {
  const nodes = new Map<number, { item: HTMLLIElement; state: string }>()
  return {
    /** Show these, in this order; tiles that are there already are kept. */
    show(tiles: readonly Tile[], selected?: number): void {
      const ids = new Set(tiles.map((t) => t.id))
      for (const [id, { item }] of nodes)
        if (!ids.has(id)) {
          item.remove()
          nodes.delete(id)
        }
      for (const tile of tiles) {
        const isSelected = tile.id === selected
        const state = `${tile.verdict?.text} ${tile.verdict?.kind} ${isSelected}`
        const known = nodes.get(tile.id)
        if (known?.state === state) continue
        const item = known?.item ?? list.appendChild(newItem(tile, onSelect))
        nodes.set(tile.id, { item, state })
        update(item, tile, isSelected)
      }
    },
  }
}

function newItem(tile: Tile, onSelect?: (id: number) => void): HTMLLIElement {
  const picture = create('img', { src: tile.url, alt: '', loading: 'lazy', decoding: 'async' })
  picture.addEventListener('error', () => picture.classList.add('broken'))
  const name = create('span', { class: 'name' }, tile.name)
  if (!onSelect) {
    picture.alt = tile.name
    return create('li', {}, picture)
  }
  const button = create('button', { type: 'button', class: 'tile' }, picture, name)
  button.addEventListener('click', () => onSelect(tile.id))
  return create('li', {}, button)
}

function update(item: HTMLLIElement, { verdict }: Tile, isSelected: boolean): void {
  const button = item.querySelector('button')
  if (!button) return
  button.setAttribute('aria-pressed', String(isSelected))
  button.querySelector('.mark')?.remove()
  if (!verdict) return
  const word = create('span', { class: 'visually-hidden' }, `${verdict.word} `)
  button.append(create('span', { class: `mark ${verdict.kind}` }, word, verdict.text))
}
