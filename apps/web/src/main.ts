import { detectView } from './detect/view.js'
import { engineChoices, type EngineId } from './engine/engines.js'
import { engineHost, type Host } from './engine/host.js'
import { exampleImages, exampleModel } from './example.js'
import { keepOffline, registerServiceWorker } from './isolation.js'
import { trainView } from './train/view.js'
import { create, element } from './ui/dom.js'
import { count } from './ui/format.js'
import { clearMessages, showError, showMessage } from './ui/messages.js'
import { tabs } from './ui/tabs.js'

async function begin(): Promise<void> {
  const tab = tabs()
  const choose = element('select', 'engine')
  const file = element('input', 'model-file')
  const toExample = element('button', 'model-example')
  const heading = element('h2', 'model-name')
  let modelName = ''

  const choices = await engineChoices()
  const images = exampleImages()

  const open = async (model: Blob, name: string): Promise<boolean> => {
    const before = modelName
    modelName = name
    try {
      await host.open(model)
      toExample.hidden = name === ''
      return true
    } catch (error) {
      modelName = before
      showError(error)
      return false
    }
  }
  const detect = detectView(
    () => host,
    (model) => {
      clearMessages()
      void open(model, model.name)
    },
  )
  const host: Host = engineHost(
    choices,
    async () => (await images)[0]!.blob,
    {
      onEngine(engine) {
        const { manifest, model } = engine
        const { training, encoder, inputSize } = manifest
        choose.value = engine.id
        choose.title = engine.runtime
        heading.textContent = modelName || `Built-in example: ${manifest.category}`
        element('p', 'model-facts').textContent =
          `Learned from ${count(training.images, 'good image')}; ` +
          `${encoder.name}, ${inputSize} px, ${(model.size / 1e6).toFixed(1)} MB`
        detect.onEngine(engine)
      },
      onNote: showMessage,
      onState: (text) => void (element('p', 'engine-state').textContent = text),
    },
    new URLSearchParams(location.search).get('engine') as EngineId | null,
  )
  const options = choices.map(({ id, label, missing }) =>
    missing
      ? create('option', { value: id, disabled: '' }, `${label} (${missing})`)
      : create('option', { value: id }, label),
  )
  choose.replaceChildren(...options)
  choose.disabled = false
  const chosen = async () => {
    await host.choose(choose.value as EngineId).catch(showError)
    choose.value = host.engine?.id ?? choose.value
  }
  choose.addEventListener('change', () => void chosen())

  const train = trainView((name, model, tests) => {
    tab.show('detect')
    // not before: the detector that was there would judge them
    void open(model, name).then((isOpen) => {
      if (isOpen && tests.length > 0) detect.replace(tests)
    })
    element('button', 'tab-detect').focus()
  })

  element('button', 'model-open').addEventListener('click', () => file.click())
  file.addEventListener('change', () => {
    detect.take([...(file.files ?? [])])
    file.value = ''
  })
  const backToExample = async () => {
    clearMessages()
    if (await open(await exampleModel(), '')) detect.replace(await images)
  }
  toExample.addEventListener('click', () => void backToExample().catch(showError))
  document.addEventListener('paste', ({ clipboardData }) => {
    const pasted = [...(clipboardData?.files ?? [])]
    if (pasted.length > 0) (tab.active === 'train' ? train : detect).take(pasted)
  })
  // a file dropped beside the zones would otherwise replace the page
  for (const type of ['dragover', 'drop'])
    document.addEventListener(type, (event) => event.preventDefault())

  detect.replace(await images)
  await open(await exampleModel(), '')
  const kept = await keepOffline()
  element('span', 'offline').textContent = kept ? 'Kept for use without a network.' : ''
}

if (!(await registerServiceWorker())) await begin().catch(showError)
