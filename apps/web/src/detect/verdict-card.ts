import type { Manifest } from '@cflow/core'
import { explain, type Contribution, type Detection } from '@cflow/detector'
import type { Friendly } from '../errors.js'
import { create, element } from '../ui/dom.js'
import { percent, short } from '../ui/format.js'
import { scoreStrip } from '../ui/strip.js'

/** The card beside the picture: verdict, score against the threshold, and which scales it comes from. */
export function showVerdict(
  manifest: Manifest,
  detection: Detection | undefined,
  failure: Friendly | undefined,
): void {
  const title = element('h2', 'verdict-title')
  const text = element('p', 'verdict-text')
  const scale = element('div', 'verdict-scale')
  const bars = element('ul', 'contributions')
  delete title.dataset['score']
  element('h3', 'verdict-from').hidden = !detection
  if (!detection) {
    title.className = 'badge'
    title.textContent = failure ? 'No verdict' : '…'
    text.textContent = failure?.text ?? ''
    scale.replaceChildren()
    bars.replaceChildren()
    return
  }
  const { anomalous, score, threshold, contributions } = detection
  title.className = `badge ${anomalous ? 'bad' : 'good'}`
  title.dataset['score'] = String(score)
  title.textContent = anomalous ? '✕ Anomalous' : '✓ Like the good ones'
  text.textContent = kept(`${sentence(explain(detection, manifest))} ${rarity(detection)}`)
  scale.replaceChildren(scoreStrip(manifest.calibration.scores, threshold, score))
  bars.replaceChildren(...contributions.map(contributionBar))
}

const sentence = (s: string): string => `${s.charAt(0).toUpperCase()}${s.slice(1)}.`

/** A number and its unit stay on one line. */
const kept = (s: string): string => s.replaceAll(/(\d) (%|ms|px)/g, '$1\u00a0$2')

const rarity = ({ pValue, milliseconds }: Detection): string =>
  `Of good images, about ${percent(pValue)} or fewer score this high. It took ${Math.round(milliseconds)} ms.`

function contributionBar({ stride, share, value }: Contribution): HTMLLIElement {
  const bar = create('span', { class: 'bar', 'aria-hidden': 'true' })
  bar.style.setProperty('--share', String(share))
  return create(
    'li',
    { title: `part of the score: ${short(value)}` },
    create('span', {}, `${short(stride)} px scale`),
    bar,
    create('span', { class: 'number' }, percent(share)),
  )
}
