import type { Preview } from '@cflow/trainer'
import { keepForm, paintLegend, paintRange } from '../detect/heat.js'
import type { Item } from '../detect/item.js'
import { create, element } from '../ui/dom.js'
import { passText, standingOut } from './learning.js'

interface Shown {
  readonly id: number
  readonly picture: HTMLImageElement
  readonly heat: HTMLCanvasElement
  readonly said: HTMLElement
}

/**
 * Heat maps of a few good images as the detector in training sees them, where the finished one stands afterwards. Colours mean
 * the same in every pass.
 */
export function previewView() {
  const card = element('div', 'train-seen')
  const list = element('ul', 'train-seen-maps')
  let shown: readonly Shown[] = []
  paintLegend(element('canvas', 'train-seen-legend'))
  return {
    /** @param images those that `preview` has by their index */
    show(preview: Preview, images: readonly Item[]): void {
      const { pass, size, range } = preview
      const items = preview.images.map(({ index }) => images[index]!)
      if (items.map((i) => i.id).join() !== shown.map((s) => s.id).join()) {
        const made = items.map(tile)
        list.replaceChildren(...made.map(({ item }) => item))
        shown = made.map(({ parts }) => parts)
      }
      element('p', 'train-seen-note').textContent = passText(preview)
      const [low, high] = range
      preview.images.forEach(({ map }, i) => {
        const { picture, heat, said } = shown[i]!
        paintRange(heat, { width: size, height: size, data: map }, { low, high })
        heat.dataset['pass'] = String(pass)
        const out = standingOut(map, range)
        said.textContent = out
        picture.alt = `${items[i]!.name} with its heat map, ${pass === 0 ? 'before the first pass' : `after pass ${pass}`}: ${out}`
      })
      card.hidden = false
    },
    hide(): void {
      card.hidden = true
      list.replaceChildren()
      shown = []
    },
  }
}

function tile({ id, name, path, url }: Item) {
  const picture = create('img', { src: url, alt: name, draggable: 'false' })
  const heat = create('canvas', { width: 1, height: 1, 'aria-hidden': 'true' })
  const stage = create('div', { class: 'stage' }, picture, heat)
  keepForm(stage, picture)
  picture.addEventListener('error', () => picture.classList.add('broken'))
  const said = create('span', { class: 'small' })
  const caption = create('span', { class: 'name', title: path ?? name }, name)
  return {
    item: create('li', {}, stage, caption, said),
    parts: { id, picture, heat, said } satisfies Shown,
  }
}
