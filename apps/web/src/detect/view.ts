import type { Manifest } from '@cflow/core'
import { promiseOf } from '@cflow/detector'
import { imagePicker } from '../images/picker.js'
import {
  arrangedBy,
  atScale,
  canLearn,
  detectorOf,
  marking,
  selecting,
  strict,
  without,
  type Filter,
  type Sort,
  type State,
} from '../state/state.js'
import type { Store } from '../state/store.js'
import { create, element } from '../ui/dom.js'
import { count, percent, short } from '../ui/format.js'
import { gallery, type Tile } from '../ui/gallery.js'
import { showError } from '../ui/messages.js'
import { csvOf, jsonOf, save, zipOf, type Result } from './export.js'
import type { Item, Verdict } from './item.js'
import {
  arranged,
  judged,
  positionOf,
  rateOf,
  ratedThreshold,
  scaleThreshold,
  summaryOf,
} from './judge.js'
import { keepWithDetector, leaveOut } from './outside.js'
import { pictureView, type ShownScale } from './picture.js'
import { regionsView } from './regions.js'
import { scaleNames, showVerdict } from './verdict-card.js'

interface Acts {
  take(files: Iterable<File>): void
  /** Take the images that are marked as fine up into the detector. */
  learn(): Promise<void>
  /** Judge what the camera sees, as it sees it. */
  watch(threshold: () => number): void
}

/** Above so many images the list is drawn at most so often, in milliseconds. */
const [many, pace] = [30, 150]

/** The tab on which images are judged. */
export function detectView(store: Store<State>, { take, learn, watch }: Acts): void {
  const picture = pictureView()
  regionsView(store)
  keepWithDetector(store)
  leaveOut(store)
  const tiles = gallery(element('ul', 'gallery'), {
    onSelect: (id) => store.change(selecting(id)),
    onRemove: (id) => store.change(without([id])),
  })
  const slider = element('input', 'rate')
  const note = element('p', 'rate-note')
  const output = element('output', 'rate-value')
  const summary = element('p', 'summary')
  const said = element('p', 'said')
  const clear = element('button', 'images-clear')
  const sort = element('select', 'sort')
  const filter = element('select', 'filter')
  const fine = element('button', 'mark-fine')
  const defect = element('button', 'mark-defect')
  const teach = element('button', 'teach')
  const scales = element('select', 'scale')
  const isMine = (item: Item) => item.of === undefined
  const thresholdOf = ({ engine, rate, placed }: State) =>
    engine ? ratedThreshold(engine.manifest, rate, placed).threshold : Infinity

  const renderRate = (manifest: Manifest, { rate, placed }: State) => {
    const { threshold, falsePositiveRate } = ratedThreshold(manifest, rate, placed)
    slider.value = String(positionOf(Math.min(0.5, falsePositiveRate)))
    slider.setAttribute('aria-valuetext', `${percent(falsePositiveRate)} of good images`)
    output.textContent = percent(falsePositiveRate)
    note.textContent =
      placed === undefined
        ? `Threshold ${short(threshold)}. ${promiseOf(manifest, falsePositiveRate).text}`
        : `Threshold ${short(threshold)}, placed by what you marked; about ${percent(falsePositiveRate)} of good images are above it. Move the slider to take it back.`
  }

  const renderTiles = (state: State) => {
    const { items, selected, sort, filter } = state
    const threshold = thresholdOf(state)
    const shown = arranged(items, { sort, filter }, threshold)
    tiles.show(
      shown.map((i) => tileOf(i, threshold)),
      selected,
    )
    const hidden = items.length - shown.length
    summary.textContent =
      items.length > 0
        ? summaryOf(items, threshold) + (hidden > 0 ? ` (${hidden} not shown)` : '')
        : ''
  }
  let drawn = 0
  let later: ReturnType<typeof setTimeout> | undefined
  const draw = () => {
    clearTimeout(later)
    later = undefined
    drawn = performance.now()
    renderTiles(store.state)
  }

  /** Say once what came out: of the image that is looked at, and of all when they are through. */
  let wasWaiting = false
  let toldOf: Item['detection']
  const tell = (state: State, item: Item | undefined, point: Verdict | undefined) => {
    const isWaiting = state.items.some((i) => !i.detection && !i.failure)
    if (wasWaiting && !isWaiting && state.items.length > 0)
      said.textContent = `All are judged: ${summary.textContent}`
    else if (item && point && item.detection !== toldOf && !isWaiting)
      said.textContent = `${item.name}: ${point.anomalous ? 'anomalous' : 'like the good ones'}, score ${short(point.score)}`
    toldOf = item?.detection
    wasWaiting = isWaiting
  }

  /** The scales to choose from, by the names that the verdict gives them; those of the image before while one is judged. */
  const renderScales = (manifest: Manifest, point: Verdict | undefined, scale?: number) => {
    const names = point && scaleNames(point.contributions, manifest.flows.length)
    const listed = [...scales.options].slice(1).map((o) => o.text)
    if (names && names.join() !== listed.join())
      scales.replaceChildren(
        create('option', { value: '' }, 'All scales'),
        ...names.map((name, k) => create('option', { value: String(k) }, name)),
      )
    element('span', 'scale-field').hidden = scales.options.length < 3
    scales.value = String(scale ?? '')
  }
  const shownScale = ({ engine, scale }: State, point?: Verdict): ShownScale | undefined => {
    if (!engine || !point || scale === undefined) return undefined
    const name = scaleNames(point.contributions, engine.manifest.flows.length)[scale]
    if (name === undefined) return undefined
    return {
      index: scale,
      name,
      threshold: scaleThreshold(engine.manifest, point.threshold, scale),
    }
  }
  scales.addEventListener('change', () =>
    store.change(atScale(scales.value === '' ? undefined : Number(scales.value))),
  )

  let shown: readonly unknown[] = []
  let listed: readonly unknown[] = []
  store.watch((state) => {
    const { items, selected, engine, rate, placed, scale, isStuck } = state
    const item = items.find((i) => i.id === selected)
    const of = [item, engine, rate, placed, scale, isStuck, items.length === 0]
    const point = item?.detection && engine && judged(engine.manifest, item.detection, rate, placed)
    if (of.some((value, i) => value !== shown[i])) {
      shown = of
      picture.show(item, point, isStuck === true, shownScale(state, point))
      if (engine) renderScales(engine.manifest, point, scale)
      showVerdict(
        engine?.manifest,
        point,
        item?.failure,
        item === undefined && !!engine,
        item?.outside,
      )
      if (engine) renderRate(engine.manifest, state)
      for (const [button, mark] of [
        [fine, 'fine'],
        [defect, 'defect'],
      ] as const) {
        // prettier-ignore
        button.disabled = !item?.detection
        button.setAttribute('aria-pressed', String(item?.mark === mark))
      }
    }
    const list = [items, selected, engine, rate, placed, state.sort, state.filter]
    if (list.some((value, i) => value !== listed[i])) {
      const isUrgent = items.length <= many || list.some((value, i) => i > 0 && value !== listed[i])
      listed = list
      sort.value = state.sort
      filter.value = state.filter
      clear.hidden = !items.some(isMine)
      const marked = items.filter((i) => i.mark === 'fine').length
      teach.hidden = marked === 0 || !engine || !canLearn(engine.manifest)
      teach.textContent = `Learn ${count(marked, 'image')} as good`
      element('div', 'results').hidden = !items.some((i) => i.detection)
      if (isUrgent || performance.now() - drawn > pace) draw()
      else later ??= setTimeout(draw, pace)
    }
    tell(state, item, point)
  })

  const results = (): Result[] => {
    const { items, engine, rate, placed, sort, filter } = store.state
    if (!engine) return []
    return arranged(items, { sort, filter }, thresholdOf(store.state)).flatMap((item) =>
      item.detection
        ? [{ item, verdict: judged(engine.manifest, item.detection, rate, placed) }]
        : [],
    )
  }
  const detectorName = () => detectorOf(store.state, store.state.running)?.name ?? ''
  element('button', 'export-csv').addEventListener('click', () =>
    save(csvOf(results()), 'results.csv', 'text/csv'),
  )
  element('button', 'export-json').addEventListener('click', () =>
    save(jsonOf(results(), detectorName()), 'results.json', 'application/json'),
  )
  const zip = element('button', 'export-zip')
  zip.addEventListener('click', () => {
    zip.disabled = true
    zipOf(results(), Number(element('input', 'opacity').value) / 100)
      .then((blob) => save(blob, 'overlays.zip', 'application/zip'), showError)
      .finally(() => (zip.disabled = false))
  })

  imagePicker(element('div', 'detect-pick'), 'Images to judge', take, [
    'Watch live',
    () => watch(() => thresholdOf(store.state)),
  ])
  clear.addEventListener('click', () => {
    store.change((s) => without(s.items.filter(isMine).map((i) => i.id))(s))
    element('div', 'detect-pick').querySelector('button')?.focus()
  })
  slider.addEventListener('input', () => store.change(strict(rateOf(Number(slider.value)))))
  sort.addEventListener('change', () => store.change(arrangedBy({ sort: sort.value as Sort })))
  filter.addEventListener('change', () =>
    store.change(arrangedBy({ filter: filter.value as Filter })),
  )
  const mark = (as: 'fine' | 'defect') => () => {
    const { selected } = store.state
    if (selected !== undefined) store.change(marking(selected, as))
  }
  fine.addEventListener('click', mark('fine'))
  defect.addEventListener('click', mark('defect'))
  teach.addEventListener('click', () => {
    teach.disabled = true
    learn()
      .catch(showError)
      .finally(() => (teach.disabled = false))
  })
}

function tileOf({ id, name, path, url, detection, failure, mark }: Item, threshold: number): Tile {
  const tile = { id, name, url, ...(path !== undefined && { path }), ...(mark && { mark }) }
  if (failure) return { ...tile, verdict: { text: 'no verdict', word: '', kind: 'error' } }
  if (!detection) return tile
  const [sign, word, kind] = detection.score > threshold ? (['✕', 'anomalous', 'bad'] as const) : (['✓', 'good', 'good'] as const) // prettier-ignore
  return { ...tile, verdict: { text: `${sign} ${short(detection.score)}`, word, kind } }
}
