import { canLeaveOut, type Region } from '@cflow/detector'
import { leavingOut, regionsOf, type State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { create, element } from '../ui/dom.js'
import { count, percent } from '../ui/format.js'
import { coveredBy, dragged, moved } from './region.js'

/** Regions of the picture that do not count: drawn, moved, removed. */
export function regionsView(store: Store<State>): void {
  const layer = element('div', 'regions')
  const toggle = element('button', 'regions-on')
  const add = element('button', 'region-add')
  const list = element('ul', 'region-list')
  const note = element('p', 'regions-note')
  let isOn = false
  const all = () => regionsOf(store.state)
  const set = (regions: readonly Region[]) => store.change(leavingOut(regions))
  const setOn = (is: boolean) => {
    isOn = is
    toggle.setAttribute('aria-pressed', String(is))
    layer.classList.toggle('drawing', is)
  }
  toggle.addEventListener('click', () => setOn(!isOn))
  add.addEventListener('click', () => {
    set([...all(), { x: 0.4, y: 0.4, width: 0.2, height: 0.2 }])
    ;(layer.lastElementChild as HTMLElement | null)?.focus()
  })

  const placed = (node: HTMLElement, { x, y, width, height }: Region) => {
    Object.assign(node.style, {
      ...{ left: `${100 * x}%`, top: `${100 * y}%` },
      ...{ width: `${100 * width}%`, height: `${100 * height}%` },
    })
    return node
  }
  const boxOf = (region: Region, k: number) => {
    const label = `Region ${k + 1} does not count; arrows move it, Shift and arrows change its size, Delete removes it`
    const box = create('div', { class: 'region', tabindex: 0, role: 'img', 'aria-label': label })
    box.addEventListener('keydown', (event) => {
      const isRemoval = event.key === 'Delete' || event.key === 'Backspace'
      const next = isRemoval ? undefined : moved(all()[k]!, event.key, event.shiftKey)
      if (!isRemoval && !next) return
      event.preventDefault()
      event.stopPropagation()
      if (next) set(all().with(k, next))
      else remove(k)
    })
    return placed(box, region)
  }
  const remove = (k: number) => {
    set(all().toSpliced(k, 1))
    const left = list.querySelectorAll('button')
    ;(left[Math.min(k, left.length - 1)] ?? add).focus()
  }

  let from: readonly [number, number] | undefined
  let drawn: Region | undefined
  let draft: HTMLElement | undefined
  const at = (event: PointerEvent): readonly [number, number] => {
    const box = layer.getBoundingClientRect()
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
  }
  const end = () => {
    draft?.remove()
    from = drawn = draft = undefined
  }
  layer.addEventListener('pointerdown', (event) => {
    if (!isOn || from || event.button !== 0) return
    event.preventDefault()
    event.stopPropagation()
    layer.setPointerCapture(event.pointerId)
    from = at(event)
    draft = create('div', { class: 'region' })
    layer.append(draft)
  })
  layer.addEventListener('pointermove', (event) => {
    if (!from || !draft) return
    drawn = dragged(from, at(event))
    placed(draft, drawn)
  })
  layer.addEventListener('pointerup', () => {
    const region = drawn
    end()
    // a click, or a slip, is no region
    if (region && region.width > 0.01 && region.height > 0.01) set([...all(), region])
  })
  layer.addEventListener('pointercancel', end)
  layer.addEventListener('dblclick', (event) => {
    if (isOn) event.stopPropagation()
  })

  let shown: readonly unknown[] = []
  store.watch((state) => {
    const { engine, items } = state
    const regions = regionsOf(state)
    const now = [regions, engine?.manifest, items.length > 0]
    if (now.every((value, i) => value === shown[i])) return
    shown = now
    const isRefused = engine !== undefined && !canLeaveOut(engine.manifest)
    toggle.disabled = add.disabled = !engine || isRefused || items.length === 0
    const why = isRefused ? 'This detector does not score an image by its heat map: no part of it can be left out.' : '' // prettier-ignore
    toggle.title = add.title = why
    if (toggle.disabled) setOn(false)
    const focused = [...layer.children].indexOf(document.activeElement as Element)
    layer.replaceChildren(...regions.map(boxOf))
    ;(layer.children[focused] as HTMLElement | undefined)?.focus()
    list.replaceChildren(
      ...regions.map((_, k) => {
        const button = create('button', { type: 'button', 'aria-label': `Region ${k + 1}, remove` }, `Region ${k + 1} ✕`) // prettier-ignore
        button.addEventListener('click', () => remove(k))
        return create('li', {}, button)
      }),
    )
    list.hidden = regions.length === 0
    note.textContent =
      regions.length === 0
        ? ''
        : `${count(regions.length, 'region')} (${percent(coveredBy(regions))} of the picture) ${regions.length === 1 ? 'does' : 'do'} not count: scores are those of the rest, which can only be lower; what is promised about false alarms holds. Defects in ${regions.length === 1 ? 'it' : 'them'} are not found.`
  })
}
