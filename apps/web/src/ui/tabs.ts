import { address, addressed } from './address.js'
import { element } from './dom.js'

const names = ['detect', 'train'] as const
type Tab = (typeof names)[number]

/** Two tabs after the ARIA pattern: arrows move between them, one at a time is in the tab order. The address tells which. */
export function tabs() {
  const button = (name: Tab) => element('button', `tab-${name}`)
  const named = () => names.find((n) => n === addressed('tab')) ?? 'detect'
  let active: Tab = named()
  const draw = (tab: Tab) => {
    active = tab
    button(tab).classList.remove('news')
    for (const name of names) {
      button(name).setAttribute('aria-selected', String(name === tab))
      button(name).tabIndex = name === tab ? 0 : -1
      element('section', `panel-${name}`).hidden = name !== tab
    }
  }
  const show = (tab: Tab) => {
    if (tab !== active) address('tab', tab === 'detect' ? undefined : tab, true)
    draw(tab)
  }
  draw(active)
  addEventListener('popstate', () => draw(named()))
  for (const name of names) {
    button(name).addEventListener('click', () => show(name))
    button(name).addEventListener('keydown', ({ key }) => {
      if (key !== 'ArrowLeft' && key !== 'ArrowRight') return
      const other = names.find((n) => n !== name)!
      show(other)
      button(other).focus()
    })
  }
  return {
    get active() {
      return active
    },
    show,
  }
}
