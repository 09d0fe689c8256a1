import type { Detection } from '@cflow/detector'
import { create, element } from '../ui/dom.js'
import { paintHeat, paintLegend } from './heat.js'
import type { Item } from './item.js'

/** The large picture with the heat map over it. */
export function pictureView() {
  const image = element('img', 'picture-image')
  const stage = element('div', 'picture-stage')
  const heat = element('canvas', 'picture-heat')
  const wait = element('p', 'picture-wait')
  const caption = element('figcaption', 'picture-caption')
  const opacity = element('input', 'opacity')
  const setOpacity = () => {
    heat.style.opacity = String(Number(opacity.value) / 100)
    element('output', 'opacity-value').textContent = `${opacity.value} %`
  }
  opacity.addEventListener('input', setOpacity)
  setOpacity()
  /** Address of a picture that the browser cannot show. */
  let broken: string | undefined
  image.addEventListener('load', () => {
    // the map lies over the photograph, whatever its form
    stage.style.setProperty('--ratio', String(image.naturalWidth / image.naturalHeight))
  })
  image.addEventListener('error', () => {
    broken = image.src
    image.hidden = true
  })
  paintLegend(element('canvas', 'legend'))
  return {
    /** @param isStuck nothing will judge it */
    show(item: Item | undefined, judged: Detection | undefined, isStuck: boolean) {
      wait.hidden =
        isStuck || item === undefined || judged !== undefined || item.failure !== undefined
      heat.hidden = judged === undefined
      stage.hidden = item === undefined
      image.hidden = item === undefined || item.url === broken
      if (!item) {
        caption.textContent = 'No image yet: bring some below.'
        return
      }
      if (image.src !== item.url) image.src = item.url
      image.alt = judged ? altOf(item, judged) : item.name
      caption.replaceChildren(
        create('strong', {}, item.name),
        item.failure ? ` ${item.failure.title}.` : '',
      )
      if (judged) paintHeat(heat, judged, judged.threshold)
    },
  }
}

const altOf = ({ name }: Item, { anomalous, anomalyMap, threshold }: Detection): string => {
  if (!anomalous) return `${name}: nothing anomalous`
  const above = anomalyMap.data.reduce((n, v) => n + (v > threshold ? 1 : 0), 0)
  const share = Math.max(1, Math.round((100 * above) / anomalyMap.data.length))
  return `${name}: about ${share} % of the picture is anomalous, most at the ${placeOf(anomalyMap)}`
}

function placeOf({ data, width, height }: Detection['anomalyMap']): string {
  const worst = data.reduce((best, v, i) => (v > data[best]! ? i : best), 0)
  const third = (i: number, n: number) => Math.min(2, Math.floor((3 * i) / n))
  const row = ['top', '', 'bottom'][third(Math.floor(worst / width), height)]!
  const column = ['left', '', 'right'][third(worst % width, width)]!
  return `${row} ${column}`.trim() || 'centre'
}
