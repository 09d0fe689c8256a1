import { create } from './dom.js'

/** What a gallery shows of an image. */
export interface Tile {
  readonly id: number
  readonly name: string
  readonly url: string
  readonly path?: string
  /** What a person says of it. */
  readonly mark?: 'fine' | 'defect'
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

/** So many new ones are drawn at once; the others follow, so that the page is held up by none. */
const portion = 20

/** Small pictures in a list: one of them is in the tab order, arrows lead to the others. */
export function gallery(list: HTMLUListElement, acts: Acts) {
  const nodes = new Map<number, { item: HTMLLIElement; state: string }>()
  /** Remove one, and go on at the one beside it. */
  const remove = (id: number) => {
    const { item } = nodes.get(id)!
    const beside = item.nextElementSibling ?? item.previousElementSibling
    acts.onRemove(id)
    beside?.querySelector('button')?.focus()
  }
  /** What can be stepped on: the pictures where they can be chosen, else their crosses. */
  const stops = () =>
    [...list.querySelectorAll<HTMLButtonElement>(acts.onSelect ? '.tile' : '.remove')].filter(
      (b) => !b.hidden,
    )
  const isHere = (node: Element | null) => node !== null && list.contains(node)
  let selectedId: number | undefined
  const settle = () => {
    const all = stops()
    const { activeElement } = document
    const chosen = selectedId === undefined ? undefined : nodes.get(selectedId)?.item
    const current =
      all.find((b) => b === activeElement) ??
      all.find((b) => chosen?.contains(b)) ??
      all.find((b) => b.tabIndex === 0) ??
      all[0]
    for (const b of all) b.tabIndex = b === current ? 0 : -1
  }
  list.addEventListener('keydown', (event) => {
    const all = stops()
    const at = all.indexOf(document.activeElement as HTMLButtonElement)
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return
    const top = (b: HTMLElement | undefined) => b?.getBoundingClientRect().top
    const columns = Math.max(1, all.filter((b) => top(b) === top(all[0])).length)
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns },
      ...{ Home: -at, End: all.length - 1 - at },
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)]!
    next.focus()
    if (acts.onSelect) next.click()
    settle()
  })
  list.addEventListener('focusin', settle)

  let rest: ReturnType<typeof setTimeout> | undefined
  const self = {
    /** Show these, in this order; tiles that are there already are kept. */
    show(tiles: readonly Tile[], selected?: number, isFixed = false): void {
      clearTimeout(rest)
      let made = 0
      const ids = new Set(tiles.map((t) => t.id))
      for (const [id, { item }] of nodes)
        if (!ids.has(id)) {
          item.remove()
          nodes.delete(id)
        }
      selectedId = selected
      // moving a node takes its focus away
      const focused = isHere(document.activeElement) ? document.activeElement : null
      let place = list.firstElementChild
      for (const tile of tiles) {
        const isSelected = tile.id === selected
        const state = `${tile.url} ${tile.verdict?.text} ${tile.verdict?.kind} ${tile.mark} ${isSelected} ${isFixed}`
        const known = nodes.get(tile.id)
        if (!known && ++made > portion) {
          rest = setTimeout(() => self.show(tiles, selected, isFixed))
          break
        }
        const item = known?.item ?? newItem(tile, acts.onSelect, remove)
        if (item === place) place = place.nextElementSibling
        else list.insertBefore(item, place)
        if (known?.state === state) continue
        nodes.set(tile.id, { item, state })
        update(item, tile, isSelected, isFixed)
      }
      if (focused && isHere(focused) && document.activeElement !== focused)
        (focused as HTMLElement).focus({ preventScroll: true })
      settle()
    },
  }
  return self
}

function newItem(
  tile: Tile,
  onSelect: ((id: number) => void) | undefined,
  remove: (id: number) => void,
): HTMLLIElement {
  const picture = create('img', { src: tile.url, alt: '', loading: 'lazy', decoding: 'async' })
  picture.addEventListener('error', () => picture.classList.add('broken'))
  const name = create('span', { class: 'name', title: tile.path ?? tile.name }, tile.name)
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
  { url, verdict, mark }: Tile,
  isSelected: boolean,
  isFixed: boolean,
): void {
  const box = item.firstElementChild!
  const picture = box.querySelector('img')!
  if (picture.src !== url) {
    picture.classList.remove('broken')
    picture.src = url
  }
  item.querySelector<HTMLButtonElement>('.remove')!.hidden = isFixed
  if (box.localName === 'button') box.setAttribute('aria-pressed', String(isSelected))
  box.querySelector('.mark')?.remove()
  box.querySelector('.said')?.remove()
  if (mark) box.append(create('span', { class: 'said' }, mark === 'fine' ? 'fine' : 'a defect'))
  if (!verdict) return
  const word = create('span', { class: 'visually-hidden' }, `${verdict.word} `)
  box.append(create('span', { class: `mark ${verdict.kind}` }, word, verdict.text))
}
