import { mapOutside, type AnomalyMap, type Region } from '@cflow/detector'
import { create, element } from '../ui/dom.js'
import { short } from '../ui/format.js'
import { zoomable } from '../ui/zoom.js'
import { keepForm, paintHeat, paintLegend } from './heat.js'
import { isIn } from './region.js'
import { unstored, type Item, type StoredMap, type Verdict } from './item.js'

/** One scale, whose map is shown alone. */
export interface ShownScale {
  readonly index: number
  readonly name: string
  /** What stands for the threshold in its map. */
  readonly threshold: number
}

/** The large picture with the heat map over it. */
export function pictureView() {
  const image = element('img', 'picture-image')
  const frame = element('div', 'picture')
  const stage = element('div', 'picture-stage')
  const heat = element('canvas', 'picture-heat')
  const wait = element('p', 'picture-wait')
  const caption = element('figcaption', 'picture-caption')
  const opacity = element('input', 'opacity')
  const probe = element('p', 'picture-probe')
  const compare = element('button', 'picture-compare')
  const zoom = zoomable(frame, stage)
  let isCompared = false
  const setOpacity = () => {
    heat.style.opacity = isCompared ? '0' : String(Number(opacity.value) / 100)
    element('output', 'opacity-value').textContent = `${opacity.value} %`
  }
  opacity.addEventListener('input', setOpacity)
  setOpacity()
  const comparing = (is: boolean) => () => {
    isCompared = is
    setOpacity()
  }
  compare.addEventListener('pointerdown', comparing(true))
  for (const type of ['pointerup', 'pointerleave', 'blur'] as const)
    compare.addEventListener(type, comparing(false))
  compare.addEventListener('keydown', ({ key }) => {
    if (key === ' ' || key === 'Enter') comparing(true)()
  })
  compare.addEventListener('keyup', comparing(false))
  element('button', 'zoom-in').addEventListener('click', () => zoom.by(1.5))
  element('button', 'zoom-out').addEventListener('click', () => zoom.by(1 / 1.5))
  element('button', 'zoom-reset').addEventListener('click', zoom.reset)

  /** Address of a picture that the browser cannot show. */
  let broken: string | undefined
  keepForm(stage, image)
  image.addEventListener('error', () => {
    broken = image.src
    image.hidden = true
  })
  paintLegend(element('canvas', 'legend'))

  /** The map that is shown, and its threshold. */
  let map: AnomalyMap | undefined
  let threshold = 0
  let alone: ShownScale | undefined
  let of: StoredMap | undefined
  let leftOut: readonly Region[] = []
  stage.addEventListener('pointermove', (event) => {
    if (!map) return
    const box = stage.getBoundingClientRect()
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
    if (leftOut.some((r) => isIn(r, x, y))) {
      probe.textContent = 'Here nothing counts'
      return
    }
    const at = (part: number, n: number) => Math.min(n - 1, Math.max(0, Math.floor(part * n)))
    const column = at(x, map.width)
    const row = at(y, map.height)
    const score = map.data[row * map.width + column]!
    const side = score > threshold ? 'above' : 'below'
    probe.textContent = alone
      ? `Here ${short(score)} at this scale (${alone.name})`
      : `Here ${short(score)}, ${side} the threshold`
  })
  stage.addEventListener('pointerleave', () => (probe.textContent = ''))

  /** Paint a map once it is there, unless another image is shown by then. */
  const paint = async (
    item: Item,
    judged: Verdict,
    stored: StoredMap,
    scale: ShownScale | undefined,
  ) => {
    threshold = scale?.threshold ?? judged.threshold
    alone = scale
    if (of !== stored || !map) {
      of = stored
      map = undefined
      const got = await unstored(stored)
      if (of !== stored) return
      map = got
    }
    const rest = mapOutside(map, item.outside?.regions ?? [])
    paintHeat(heat, rest, threshold, !scale)
    heat.hidden = false
    image.alt = scale
      ? `${item.name}: heat map of one scale, ${scale.name}, highest at the ${placeOf(rest)}`
      : altOf(item, judged, rest)
  }
  let shown: number | undefined
  return {
    /**
     * @param isStuck nothing will judge it
     * @param scale whose map is shown alone
     */
    show(
      item: Item | undefined,
      judged: Verdict | undefined,
      isStuck: boolean,
      scale?: ShownScale,
    ) {
      wait.hidden =
        isStuck || item === undefined || judged !== undefined || item.failure !== undefined
      if (!judged || item?.id !== shown) heat.hidden = true
      stage.hidden = item === undefined
      image.hidden = item === undefined || item.url === broken
      if (item?.id !== shown) zoom.reset()
      shown = item?.id
      probe.textContent = ''
      leftOut = item?.outside?.regions ?? []
      const stored = scale ? item?.scaleMaps?.[scale.index] : item?.map
      if (!judged || !stored) {
        of = map = undefined
        heat.hidden = true
      }
      if (!item) {
        caption.textContent = 'No image yet: bring some.'
        return
      }
      if (image.src !== item.url) image.src = item.url
      image.alt = item.name
      caption.replaceChildren(
        create('strong', { title: item.path ?? item.name }, item.name),
        item.failure ? ` ${item.failure.title}.` : '',
      )
      if (judged && stored) void paint(item, judged, stored, scale)
    },
  }
}

const altOf = (
  { name }: Item,
  { anomalous, threshold }: Verdict,
  anomalyMap: AnomalyMap,
): string => {
  if (!anomalous) return `${name}: nothing anomalous`
  const above = anomalyMap.data.reduce((n, v) => n + (v > threshold ? 1 : 0), 0)
  const share = Math.max(1, Math.round((100 * above) / anomalyMap.data.length))
  return `${name}: about ${share} % of the picture is anomalous, most at the ${placeOf(anomalyMap)}`
}

function placeOf({ data, width, height }: AnomalyMap): string {
  const worst = data.reduce((best, v, i) => (v > data[best]! ? i : best), 0)
  const third = (i: number, n: number) => Math.min(2, Math.floor((3 * i) / n))
  const row = ['top', '', 'bottom'][third(Math.floor(worst / width), height)]!
  const column = ['left', '', 'right'][third(worst % width, width)]!
  return `${row} ${column}`.trim() || 'centre'
}
