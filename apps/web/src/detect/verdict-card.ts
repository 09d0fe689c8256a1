import type { Manifest } from '@cflow/core'
import type { Contribution } from '@cflow/detector'
import type { Item, Verdict } from './item.js'
import type { Friendly } from '../errors.js'
import { create, element } from '../ui/dom.js'
import { percent, short } from '../ui/format.js'
import { scoreStrip } from '../ui/strip.js'

/** The card beside the picture, empty where there is no image: verdict, score against the threshold, and which scales it comes from. */
export function showVerdict(
  manifest: Manifest | undefined,
  detection: Verdict | undefined,
  failure: Friendly | undefined,
  isEmpty: boolean,
  outside?: Item['outside'],
): void {
  const title = element('h2', 'verdict-title')
  const text = element('p', 'verdict-text')
  const scale = element('div', 'verdict-scale')
  const bars = element('ul', 'contributions')
  delete title.dataset['score']
  // the scales are known at the highest pixel of the whole image: where that does not count, they say nothing
  const isElsewhere =
    detection !== undefined && outside !== undefined && detection.score < outside.whole
  element('h3', 'verdict-from').hidden = !detection || isElsewhere
  bars.hidden = isElsewhere
  if (!detection || !manifest) {
    title.className = 'badge'
    title.textContent = isEmpty ? 'No image yet' : failure ? 'No verdict' : '…'
    text.textContent = failure?.text ?? ''
    scale.replaceChildren()
    bars.replaceChildren()
    return
  }
  const { anomalous, score, threshold, contributions, milliseconds } = detection
  title.className = `badge ${anomalous ? 'bad' : 'good'}`
  title.dataset['score'] = String(score)
  title.textContent = anomalous ? '✕ Anomalous' : '✓ Like the good ones'
  text.textContent = kept(
    `Score ${short(score)}${outside ? ` of what counts (${short(outside.whole)} of the whole image)` : ''} is ${anomalous ? '' : 'not '}above the threshold ${short(threshold)}. ` +
      `${rarityOf(manifest.calibration.scores, score)} It took ${Math.round(milliseconds)} ms.`,
  )
  scale.replaceChildren(scoreStrip(manifest.calibration.scores, threshold, score))
  const names = scaleNames(contributions, manifest.flows.length)
  bars.replaceChildren(...contributions.map((c, k) => contributionBar(c, names[k]!)))
}

/** A number and its unit stay on one line. */
const kept = (s: string): string => s.replaceAll(/(\d) (%|ms|px)/g, '$1\u00a0$2')

/**
 * How rare a score is, by counting: a share estimated from few images would be far from the rate that the threshold is for,
 * and read as if one of the two were wrong.
 */
export function rarityOf(good: readonly number[], score: number): string {
  if (good.length === 0) return ''
  const as = good.filter((s) => s >= score).length
  const who = as === 0 ? 'None' : String(as)
  return `${who} of the ${good.length} good images that set the threshold score${as > 1 ? '' : 's'} as high.`
}

/**
 * What scales are called: by the size that they look at, averages of a neighbourhood and what is compared with remembered
 * images told apart from the plain ones.
 * @param flows how many scales have a flow; any after them compare
 */
export function scaleNames(
  scales: readonly Pick<Contribution, 'tap' | 'stride'>[],
  flows: number,
): string[] {
  return scales.map(({ tap, stride }, k) => {
    if (tap.includes('+') || (flows > 0 && k >= flows)) return `${short(stride)} px, memory`
    return / \d+×\d+$/.test(tap) ? `${short(stride)} px, averaged` : `${short(stride)} px scale`
  })
}

function contributionBar({ share, value }: Contribution, name: string): HTMLLIElement {
  const bar = create('span', { class: 'bar', 'aria-hidden': 'true' })
  bar.style.setProperty('--share', String(share))
  return create(
    'li',
    { title: `part of the score: ${short(value)}` },
    create('span', {}, kept(name)),
    bar,
    create('span', { class: 'number' }, percent(share)),
  )
}
