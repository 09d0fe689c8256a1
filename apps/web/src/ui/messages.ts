import { create, element } from './dom.js'
import { friendly } from '../errors.js'

/** A message that stays until it is closed; errors interrupt a screen reader, the rest waits its turn. */
export function showMessage(title: string, text: string, kind: 'error' | 'note' = 'note'): void {
  const close = create('button', { type: 'button', 'aria-label': 'Close this message' }, '×')
  const box = create(
    'div',
    { class: `message ${kind}`, role: kind === 'error' ? 'alert' : 'status' },
    create('div', {}, create('strong', {}, title), create('p', {}, text)),
    close,
  )
  const before = document.activeElement
  close.addEventListener('click', () => {
    const beside = box.nextElementSibling ?? box.previousElementSibling
    box.remove()
    // the focus goes on where it was before, not to the top of the page
    const next = beside?.querySelector('button') ?? (isUsable(before) ? before : element('main', 'main')) // prettier-ignore
    next.focus()
  })
  const all = element('div', 'messages')
  for (const other of all.querySelectorAll('.message'))
    if (other.textContent === box.textContent) other.remove()
  all.append(box)
  while (all.childElementCount > 3) all.firstElementChild?.remove()
}

const isUsable = (node: Element | null): node is HTMLElement =>
  node instanceof HTMLElement && node !== document.body && node.checkVisibility()

export function showError(error: unknown): void {
  const { title, text } = friendly(error)
  console.warn(error)
  showMessage(title, text, 'error')
}

/** Remove all messages, such as when what they are about is over. */
export const clearMessages = (): void => element('div', 'messages').replaceChildren()
