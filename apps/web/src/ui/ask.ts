import { element } from './dom.js'

/** Ask before something is lost. @returns whether it may be */
export function ask(title: string, text: string, yes: string): Promise<boolean> {
  const dialog = element('dialog', 'ask')
  element('h2', 'ask-title').textContent = title
  element('p', 'ask-text').textContent = text
  const confirm = element('button', 'ask-yes')
  confirm.textContent = yes
  dialog.returnValue = ''
  confirm.onclick = () => dialog.close('yes')
  element('button', 'ask-no').onclick = () => dialog.close('')
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes')
    dialog.showModal()
  })
}
