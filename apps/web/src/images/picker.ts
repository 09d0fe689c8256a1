import { create } from '../ui/dom.js'
import { openCamera } from './camera.js'

const imageTypes = 'image/png,image/jpeg,image/webp,image/gif,image/avif,image/bmp'

/**
 * A place to bring images to: drop, files, a folder, the camera.
 * @param more further buttons
 */
export function imagePicker(
  place: HTMLElement,
  label: string,
  onFiles: (files: File[]) => void,
  ...more: readonly (readonly [text: string, act: () => void])[]
): void {
  const input = (attributes: Readonly<Record<string, string>>) => {
    const node = create('input', { type: 'file', multiple: '', hidden: '', ...attributes })
    node.addEventListener('change', () => {
      onFiles([...(node.files ?? [])])
      node.value = ''
    })
    return node
  }
  const files = input({ accept: imageTypes, 'aria-label': label, 'data-pick': 'files' })
  const folder = input({ webkitdirectory: '', 'aria-label': `${label}: a folder`, 'data-pick': 'folder' }) // prettier-ignore
  const button = (text: string, act: () => void) => {
    const node = create('button', { type: 'button' }, text)
    node.addEventListener('click', act)
    return node
  }
  const zone = create(
    'div',
    { class: 'drop', role: 'group', 'aria-label': label },
    create('p', {}, 'Drop images or a folder anywhere on the page, or paste them.'),
    create(
      'div',
      { class: 'row' },
      button('Choose images', () => files.click()),
      button('Choose a folder', () => folder.click()),
      button('Use the camera', () => void openCamera((photo) => onFiles([photo]))),
      ...more.map(([text, act]) => button(text, act)),
    ),
    files,
    folder,
  )
  // a drop is taken by the whole page (main.ts)
  for (const type of ['dragover', 'dragleave', 'drop'])
    zone.addEventListener(type, () => zone.classList.toggle('over', type === 'dragover'))
  place.append(zone)
}
