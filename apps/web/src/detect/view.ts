import type { Manifest } from '@cflow/core'
import { promiseOf, type Detection } from '@cflow/detector'
import type { Engine } from '../engine/engines.js'
import type { Host } from '../engine/host.js'
import { friendly } from '../errors.js'
import { imagesOf } from '../images/files.js'
import { imagePicker } from '../images/picker.js'
import { element } from '../ui/dom.js'
import { percent, short } from '../ui/format.js'
import { gallery, type Tile } from '../ui/gallery.js'
import { clearMessages, showMessage } from '../ui/messages.js'
import { itemOf, waitingAgain, type Item, type NewItem } from './item.js'
import { judged, positionOf, rateOf, summaryOf } from './judge.js'
import { pictureView } from './picture.js'
import { showVerdict } from './verdict-card.js'

/** The tab on which images are judged. */
export function detectView(host: () => Host, openModel: (file: File) => void) {
  let items: readonly Item[] = []
  let selected: number | undefined
  let engine: Engine | undefined
  /** The false-positive rate asked for; the stored one while undefined. */
  let rate: number | undefined
  let busy = false

  const picture = pictureView()
  const tiles = gallery(element('ul', 'gallery'), (id) => {
    selected = id
    render()
  })
  const slider = element('input', 'rate')

  const renderRate = (manifest: Manifest, point: Detection | undefined) => {
    const used = rate ?? manifest.calibration.falsePositiveRate
    slider.value = String(positionOf(used))
    slider.setAttribute('aria-valuetext', `${percent(used)} of good images`)
    element('output', 'rate-value').textContent = percent(used)
    element('p', 'rate-note').textContent = point
      ? `Threshold ${short(point.threshold)}. ${promiseOf(manifest, used).text}`
      : ''
  }

  const tileOf = (item: Item, threshold: number): Tile => {
    const { id, name, url, detection, failure } = item
    if (failure) return { id, name, url, verdict: { text: 'no verdict', word: '', kind: 'error' } }
    if (!detection) return { id, name, url }
    const [mark, word, kind] = detection.score > threshold ? (['✕', 'anomalous', 'bad'] as const) : (['✓', 'good', 'good'] as const) // prettier-ignore
    return { id, name, url, verdict: { text: `${mark} ${short(detection.score)}`, word, kind } }
  }

  const render = () => {
    const item = items.find((i) => i.id === selected)
    const detection = item?.detection && engine && judged(engine.manifest, item.detection, rate)
    picture.show(item, detection)
    if (!engine) return
    showVerdict(engine.manifest, detection, item?.failure)
    renderRate(engine.manifest, detection)
    renderTiles()
  }
  const renderTiles = () => {
    const known = items.find((i) => i.detection)?.detection
    const threshold = engine && known ? judged(engine.manifest, known, rate).threshold : Infinity
    tiles.show(
      items.map((i) => tileOf(i, threshold)),
      selected,
    )
    element('p', 'summary').textContent = summaryOf(items, threshold)
  }

  const put = (id: number, change: Pick<Item, 'detection'> | Pick<Item, 'failure'>) => {
    items = items.map((i) => (i.id === id ? { ...i, ...change } : i))
  }

  /** Judge what waits, the selected image first, one after the other. */
  const work = async () => {
    if (busy) return
    busy = true
    try {
      for (;;) {
        const waiting = items.filter((i) => !i.detection && !i.failure)
        const next = waiting.find((i) => i.id === selected) ?? waiting[0]
        if (!next || !engine) return
        const used = engine
        try {
          const detection = await host().detect(next.blob)
          if (engine === used) put(next.id, { detection })
        } catch (error) {
          console.warn(error)
          const failure = friendly(error)
          if (next.id === selected || waiting.length === 1)
            showMessage(failure.title, failure.text, 'error')
          put(next.id, { failure })
        }
        if (next.id === selected) render()
        else renderTiles()
      }
    } finally {
      busy = false
    }
  }

  const add = (added: readonly NewItem[]) => {
    if (added.length === 0) return
    const fresh = added.map(itemOf)
    items = [...fresh, ...items]
    selected = fresh[0]!.id
    // the newest come first, so the list is made anew
    tiles.show([])
    render()
    void work()
  }

  /** Files from anywhere: images are judged, a detector file is loaded. */
  const take = (files: Iterable<File>): void => {
    const all = [...files]
    const model = all.find((f) => f.name.toLowerCase().endsWith('.onnx'))
    if (model) return openModel(model)
    clearMessages()
    add(imagesOf(all, '; or a detector, model.onnx'))
  }

  imagePicker(element('div', 'detect-pick'), 'Images to judge', take)
  slider.addEventListener('input', () => {
    rate = rateOf(Number(slider.value))
    render()
  })

  return {
    take,
    /** Show these images instead of those that are there. */
    replace(images: readonly NewItem[]): void {
      items.forEach((i) => URL.revokeObjectURL(i.url))
      items = []
      selected = undefined
      tiles.show([])
      add(images)
    },
    /** An engine took over. */
    onEngine(next: Engine): void {
      const isNewModel = engine?.model !== next.model
      const isNewEngine = engine?.id !== next.id
      if (isNewModel) rate = undefined
      engine = next
      // another detector gives other numbers; on another engine the time for the image at hand is of interest, and what
      // failed may work
      items = items.map((item) => {
        const isAnew = isNewModel || (isNewEngine && (item.id === selected || item.failure))
        return isAnew ? waitingAgain(item) : item
      })
      render()
      void work()
    },
  }
}
