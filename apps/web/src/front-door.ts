import { examplePicture } from './example.js'
import { detectorOf, type State } from './state/state.js'
import type { Store } from './state/store.js'
import { create, element } from './ui/dom.js'

/** What the page greets with: detectors to choose from, and the code that does the same. */
export function frontDoor(store: Store<State>, open: (id: string) => void): void {
  const list = element('ul', 'examples')
  const code = element('code', 'code')
  const buttons = store.state.detectors
    .filter((d) => d.isBuiltIn)
    .map(({ id, name }) => {
      const picture = create('img', { src: examplePicture(id), alt: '', width: 56, height: 56 })
      const button = create('button', { type: 'button' }, picture, name.replace('Example: ', ''))
      button.addEventListener('click', () => open(id))
      list.append(create('li', {}, button))
      return { id, button }
    })
  let shown = ''
  store.watch((state) => {
    const { wanted, running } = state
    for (const { id, button } of buttons) button.setAttribute('aria-pressed', String(id === wanted))
    const name = detectorOf(state, running ?? wanted)
    const file = name?.isBuiltIn ? `${name.id}.onnx` : 'model.onnx'
    if (file === shown) return
    shown = file
    code.textContent = codeOf(file)
  })
  const copy = element('button', 'code-copy')
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(code.textContent).then(
      () => (copy.textContent = 'Copied'),
      () => getSelection()?.selectAllChildren(code),
    )
    setTimeout(() => (copy.textContent = 'Copy'), 2000)
  })
}

const codeOf = (file: string): string => `// npm i @cflow/detector onnxruntime-web
import { loadDetector } from '@cflow/detector'

const detector = await loadDetector('/${file}')
const input = document.querySelector('input[type=file]')
input.onchange = async () => {
  const { anomalous, score, threshold } = await detector.detect(input.files[0])
  console.log(anomalous ? 'anomalous' : 'like the good ones', score, threshold)
}`
