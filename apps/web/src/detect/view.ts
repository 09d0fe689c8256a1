import type { Manifest } from '@cflow/core'
import { promiseOf, type Detection } from '@cflow/detector'
import { imagePicker } from '../images/picker.js'
import { selecting, strict, without, type State } from '../state/state.js'
import type { Store } from '../state/store.js'
import { element } from '../ui/dom.js'
import { percent, short } from '../ui/format.js'
import { gallery, type Tile } from '../ui/gallery.js'
import type { Item } from './item.js'
import { judged, positionOf, rateOf, summaryOf } from './judge.js'
import { pictureView } from './picture.js'
import { showVerdict } from './verdict-card.js'

/** The tab on which images are judged. */
export function detectView(store: Store<State>, take: (files: Iterable<File>) => void): void {
  const picture = pictureView()
  const tiles = gallery(element('ul', 'gallery'), {
    onSelect: (id) => store.change(selecting(id)),
    onRemove: (id) => store.change(without([id])),
  })
  const slider = element('input', 'rate')
  const note = element('p', 'rate-note')
  const output = element('output', 'rate-value')
  const summary = element('p', 'summary')
  const clear = element('button', 'images-clear')
  const isMine = (item: Item) => item.of === undefined

  const renderRate = (manifest: Manifest, rate: number | undefined, point?: Detection) => {
    const used = rate ?? manifest.calibration.falsePositiveRate
    slider.value = String(positionOf(used))
    slider.setAttribute('aria-valuetext', `${percent(used)} of good images`)
    output.textContent = percent(used)
    note.textContent = point
      ? `Threshold ${short(point.threshold)}. ${promiseOf(manifest, used).text}`
      : ''
  }

  const renderTiles = ({ items, engine, rate, selected }: State) => {
    const known = items.find((i) => i.detection)?.detection
    const threshold = engine && known ? judged(engine.manifest, known, rate).threshold : Infinity
    tiles.show(
      items.map((i) => tileOf(i, threshold)),
      selected,
    )
    summary.textContent = items.length > 0 ? summaryOf(items, threshold) : ''
    clear.hidden = !items.some(isMine)
  }

  let shown: readonly unknown[] = []
  store.watch((state) => {
    const { items, selected, engine, rate, isStuck } = state
    const item = items.find((i) => i.id === selected)
    const of = [item, engine, rate, isStuck, items.length === 0]
    if (of.some((value, i) => value !== shown[i])) {
      shown = of
      const point = item?.detection && engine && judged(engine.manifest, item.detection, rate)
      picture.show(item, point, isStuck === true)
      showVerdict(engine?.manifest, point, item?.failure, item === undefined && !!engine)
      if (engine) renderRate(engine.manifest, rate, point)
    }
    renderTiles(state)
  })

  imagePicker(element('div', 'detect-pick'), 'Images to judge', take)
  clear.addEventListener('click', () => {
    store.change((s) => without(s.items.filter(isMine).map((i) => i.id))(s))
    element('button', 'tab-detect').focus()
  })
  slider.addEventListener('input', () => store.change(strict(rateOf(Number(slider.value)))))
}

function tileOf({ id, name, url, detection, failure }: Item, threshold: number): Tile {
  if (failure) return { id, name, url, verdict: { text: 'no verdict', word: '', kind: 'error' } }
  if (!detection) return { id, name, url }
  const [mark, word, kind] = detection.score > threshold ? (['✕', 'anomalous', 'bad'] as const) : (['✓', 'good', 'good'] as const) // prettier-ignore
  return { id, name, url, verdict: { text: `${mark} ${short(detection.score)}`, word, kind } }
}
