import { detectorOf, example, type KnownDetector, type State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { create, element } from '../ui/dom.js'
import { count } from '../ui/format.js'

interface Acts {
  open(id: string): void
  forget(id: string): void
  take(files: Iterable<File>): void
}

/** The card that names the detector in use, and lists the others. */
export function modelCard(store: Store<State>, { open, forget, take }: Acts): void {
  const heading = element('h2', 'model-name')
  const facts = element('p', 'model-facts')
  const loading = element('p', 'model-loading')
  const field = element('span', 'detectors-field')
  const list = element('select', 'detectors')
  const file = element('input', 'model-file')
  const toExample = element('button', 'model-example')
  const remove = element('button', 'model-forget')
  const download = element('a', 'model-download')
  let listed: readonly KnownDetector[] = []
  let offered: Blob | undefined

  store.watch((state) => {
    const { detectors, running, wanted, engine, isStuck } = state
    if (detectors !== listed) {
      listed = detectors
      const options = detectors.map((d) => create('option', { value: d.id }, optionOf(d)))
      list.replaceChildren(...options)
    }
    list.value = wanted
    field.hidden = detectors.length < 2
    toExample.hidden = detectorOf(state, wanted)?.isBuiltIn === true && !isStuck
    const ours = detectorOf(state, running)
    remove.hidden =
      !ours || ours.isBuiltIn === true || ours.address !== undefined || running !== wanted
    download.hidden = !ours?.file
    if (ours?.file && ours.file !== offered) {
      offered = ours.file
      URL.revokeObjectURL(download.href)
      download.href = URL.createObjectURL(ours.file)
    }
    const next = nameOf(detectorOf(state, wanted))
    const isLoading = wanted !== running && !isStuck
    const share = state.loaded === undefined ? '' : ` ${Math.round(100 * state.loaded)} %`
    loading.textContent = isLoading && engine ? `Loading ${next} …${share}` : ''
    if (!engine) {
      heading.textContent = isStuck ? 'No detector could be loaded' : `Loading ${next} …${share}`
      facts.textContent = ''
      return
    }
    const { manifest, model } = engine
    const { training, encoder, inputSize } = manifest
    heading.textContent = ours?.name ?? manifest.category
    facts.textContent =
      `Learned from ${count(training.images, 'good image')}; ` +
      `${encoder.name}, ${inputSize} px, ${(model.size / 1e6).toFixed(1)} MB`
  })

  list.addEventListener('change', () => open(list.value))
  toExample.addEventListener('click', () => open(example))
  remove.addEventListener('click', () => {
    if (store.state.running !== undefined) forget(store.state.running)
  })
  element('button', 'model-open').addEventListener('click', () => file.click())
  file.addEventListener('change', () => {
    take([...(file.files ?? [])])
    file.value = ''
  })
}

const nameOf = (detector: KnownDetector | undefined): string => `“${detector?.name}”`

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

const optionOf = ({ name, trainedAt }: KnownDetector): string =>
  name + (trainedAt === undefined ? '' : `, ${when.format(trainedAt)}`)
