import { judge } from './detect/judging.js'
import { itemOf, type Item, type NewItem } from './detect/item.js'
import { detectionOutside } from './detect/outside.js'
import { modelCard } from './detect/model-card.js'
import { detectView } from './detect/view.js'
import { detectorsOf } from './detectors.js'
import { gpuChoice, savesData, wasmChoices, type EngineId } from './engine/engines.js'
import { sizes } from './engine/files.js'
import { engineHost, type Host } from './engine/host.js'
import { exampleImages } from './example.js'
import { droppedFiles, imagesOf, isDetector } from './images/files.js'
import { openLive } from './images/live.js'
import { turnPictures } from './images/upright.js'
import { keepOffline, registerServiceWorker } from './isolation.js'
import { keptDetectors } from './kept.js'
import {
  arrived,
  detectorOf,
  example,
  given,
  hasInput,
  initial,
  knowing,
  run,
  unmarked,
  wanting,
  type State,
} from './state/state.js'
import { createStore } from './state/store.js'
import { taught } from './teach.js'
import { frontDoor } from './front-door.js'
import { trainView } from './train/view.js'
import { address, addressed } from './ui/address.js'
import { create, element } from './ui/dom.js'
import { waited } from './worker/handle.js'
import { count, short } from './ui/format.js'
import { clearMessages, showError, showMessage } from './ui/messages.js'
import { tabs } from './ui/tabs.js'

const store = createStore<State>(initial)
let hostIsReady: (host: Host) => void
const host = new Promise<Host>((resolve) => (hostIsReady = resolve))

/** What the first verdict takes, told as it comes. */
let come = 0
const onBytes = (bytes: number): void => {
  come += bytes
  const { engine, wanted } = store.state
  if (!engine) store.change(arrived(come / ((sizes['packed'] ?? 0) + (sizes[wanted] ?? 0))))
}
const detectors = detectorsOf(store, host, onBytes)

/** Files from anywhere: images are judged, a detector is loaded. */
function take(files: Iterable<File>): void {
  const all = [...files]
  clearMessages()
  const images = imagesOf(
    all.filter((f) => !isDetector(f)),
    '; or a detector, model.onnx',
  )
  void give(images)
  const model = all.find(isDetector)
  if (model) detectors.openFile(model)
}

/** Another process is asked for the address of each image: for many at once the page would wait. */
const portion = 20

async function give(images: readonly NewItem[]): Promise<void> {
  const items: Item[] = []
  for (const image of images) {
    if (items.length > 0 && items.length % portion === 0) await waited(0)
    items.push(itemOf(image))
  }
  store.change(given(items))
}

/** All that a person can do, before anything is loaded. */
function prepare(): void {
  const tab = tabs()
  modelCard(store, { ...detectors, forget: (id) => void detectors.forget(id), take })
  detectView(store, {
    take,
    async learn() {
      const state = store.state
      const done = await taught(state)
      if (!done) return
      const before = detectorOf(state, state.running)
      const learned = count(done.images.length, 'image')
      const name = `${before?.name ?? 'detector'}, and ${learned} more`
      store.change(unmarked(done.images))
      const tests = before?.tests && { tests: before.tests }
      detectors.open(detectors.trained({ name, file: done.file, ...tests }))
      const { threshold } = done.manifest.calibration
      showMessage(
        `Learned ${learned} as good`,
        `The threshold is now ${short(threshold)}; the detector from before stays in the list.`,
      )
    },
    watch: (threshold) =>
      void openLive(
        async (frame) => detectionOutside(store.state, await (await host).detect(frame)),
        threshold,
        (photo) => take([photo]),
      ),
  })
  const train = trainView(store, detectors.trained, (id) => {
    tab.show('detect')
    detectors.open(id)
    element('button', 'tab-detect').focus()
  })
  frontDoor(store, detectors.open)
  turnPictures(store)
  judge(
    store,
    async (image) => (await host).detect(image),
    async (image) => (await host).scaleMaps(image),
  )
  store.watch(({ items, training }, before) => {
    if (before?.items !== items) revokeGone(before?.items, items)
    if (before?.training.images !== training.images)
      revokeGone(before?.training.images, training.images)
  })
  const linked = addressed('detector')
  if (linked !== undefined && detectorOf(store.state, linked)) store.change(wanting(linked))
  // a detector of this browser means nothing to others
  store.watch((state) => {
    const { wanted } = state
    const isLink = detectorOf(state, wanted)?.isBuiltIn && wanted !== example
    address('detector', isLink ? wanted : undefined)
  })
  const taker = () => (tab.active === 'train' ? train.take : take)
  document.addEventListener('paste', ({ clipboardData }) => {
    const pasted = [...(clipboardData?.files ?? [])]
    if (pasted.length > 0) taker()(pasted)
  })
  // a file dropped anywhere is meant for the page, which the browser would otherwise replace by it
  document.addEventListener('dragover', (event) => event.preventDefault())
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    if (event.dataTransfer?.types.includes('Files'))
      droppedFiles(event.dataTransfer).then(taker(), showError)
  })
  // the page's own pictures are no files to drop
  document.addEventListener('dragstart', (event) => event.preventDefault())
  keptDetectors().then((kept) => {
    for (const detector of kept) store.change(knowing(detector))
  }, console.warn)
}

/** Free the addresses of images that are no longer there. */
function revokeGone(before: State['items'] = [], now: State['items']): void {
  const there = new Set(now.map((i) => i.url))
  for (const { url } of before) if (!there.has(url)) URL.revokeObjectURL(url)
}

async function engineMenu(gpu: ReturnType<typeof gpuChoice>, ready: Host): Promise<void> {
  const choose = element('select', 'engine')
  const choices = [await gpu, ...wasmChoices()]
  const options = choices.map(({ id, label, missing }) =>
    missing
      ? create('option', { value: id, disabled: '' }, `${label} (${missing})`)
      : create('option', { value: id }, label),
  )
  choose.replaceChildren(...options)
  choose.disabled = false
  store.watch(({ engine }, before) => {
    if (!engine || engine === before?.engine) return
    choose.value = engine.id
    choose.title = engine.runtime
  })
  const chosen = async () => {
    await ready.choose(choose.value as EngineId).catch(showError)
    choose.value = ready.engine?.id ?? choose.value
  }
  choose.addEventListener('change', () => void chosen())
}

async function begin(): Promise<void> {
  const gpu = gpuChoice()
  const state = element('p', 'engine-state')
  const ready = engineHost(
    gpu,
    known,
    {
      onEngine: (engine, isAlike) => store.change(run(engine, isAlike)),
      quiet: allJudged,
      onNote: showMessage,
      onState: (text) => void (state.textContent = text),
      onBytes,
    },
    (addressed('engine') ?? null) as EngineId | null,
  )
  hostIsReady(ready)
  void engineMenu(gpu, ready)
  await detectors.begin()
  // `cflow serve` says so in the page that it serves
  if (document.documentElement.dataset['server'] !== undefined)
    import('./server/view.js').then(({ serverView }) => serverView(store), showError)
  // what is for later must not be in the way of the verdicts
  await allJudged()
  if (savesData()) return
  const { missing, isSoftware } = await gpu
  const kept = await keepOffline(!missing && !isSoftware)
  element('span', 'offline').textContent = kept ? 'Kept for use without a network.' : ''
}

/** An image for engines to agree on: the first there is. */
async function known(): Promise<Blob> {
  const { running, items } = store.state
  const image = detectorOf(store.state, running)?.tests?.[0] ?? items[0]
  return image?.blob ?? (await exampleImages(example))[0]!.blob
}

/** When every image there is has a verdict, or nothing can judge. */
const allJudged = (): Promise<void> =>
  new Promise((resolve) =>
    store.watch(({ engine, isStuck, items }) => {
      if (isStuck || (engine && items.every((i) => i.detection ?? i.failure))) resolve()
    }),
  )

prepare()
// before any worker is started: Firefox starts none in a page that a service worker has taken over meanwhile
if (!(await registerServiceWorker(() => !hasInput(store.state)))) await begin().catch(showError)
