import { count, number } from '../format.js'
import { heatAlpha, heatColour, heatRange, thresholdColour, type HeatRange } from '../heatmap.js'
import type { ReportExample, ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { renderPanels, type Panels } from '../panels.js'
import { outcomeOf } from '../outcome.js'
import { called, outcome } from './scores.js'

/** Side of the pictures where there are very many of them. */
const smallSize = 224

/** So many examples are shown large. */
const manyExamples = 24

/** Images with ground truth, anomaly map and predicted mask: the paper's Figure 3, first those that were judged wrongly. */
export async function examplesSection(input: ReportInput): Promise<Markup | undefined> {
  const { examples, manifest } = input
  const { threshold } = manifest.calibration
  if (examples.length === 0) return undefined
  const range = heatRange(
    examples.map((e) => e.anomalyMap),
    threshold,
  )
  const size = examples.length > manyExamples ? smallSize : undefined
  const figures: Markup[] = []
  for (const example of examples)
    figures.push(exampleFigure(example, await renderPanels(example, threshold, range, size)))
  const truth = examples.some(hasDefect)
  const groups = headings(input).map(([group, title, note]) => {
    const own = figures.filter((_, i) => examples[i]!.group === group)
    return (
      own.length > 0 &&
      markup`<h3>${title} <span class="note">${note}</span></h3><div class="examples">${own}</div>`
    )
  })
  return markup`<section aria-labelledby="examples"><h2 id="examples">Examples</h2>
<p>Left: the input${truth && markup`, with the true defect outlined in <span class="key truth">red</span>`}. Middle: the anomaly map over it, with the predicted mask outlined in white. Right: the predicted mask in white${truth && ', with the true outline in red for comparison'}. Pixels belong to the mask above the detector’s threshold, ${number(threshold, 4)}.</p>
${legend(range, threshold)}
${noMistakes(input)}
${groups}
</section>`
}

/** Said where it is so, since an empty gallery says nothing. */
function noMistakes({ scores, ownEvidence }: ReportInput): Markup | false {
  const labelled = scores.filter((s) => s.label !== 'unknown')
  const wrong = labelled.filter((s) => outcomeOf(s) !== 'right').length
  if (labelled.length === 0 || wrong > 0 || ownEvidence) return false
  return markup`<p>No defect was missed, and no good image raised a false alarm.</p>`
}

const headings = ({
  scores,
  examples,
}: ReportInput): readonly (readonly [ReportExample['group'], string, string])[] => {
  const missed = scores.filter((s) => outcomeOf(s) === 'missed').length
  const alarms = scores.filter((s) => outcomeOf(s) === 'false alarm').length
  const shown = examples.filter((e) => e.group === 'mistake').length
  const left = missed + alarms - shown
  const more = left > 0 ? `; ${shown} are shown, ${left} more are in scores.csv` : ''
  const labelled = scores.some((s) => s.label !== 'unknown')
  const defects = scores.some((s) => s.label === 'anomalous')
  return [
    [
      'mistake',
      'Misses and false alarms',
      `${count(missed, 'defect')} missed, ${count(alarms, 'false alarm')}${more}`,
    ],
    ['worst', 'Most anomalous', labelled ? 'of the unlabelled images' : 'the highest scores'],
    ['doubtful', 'Most doubtful', 'scores closest to the threshold, on either side'],
    defects
      ? ['best', 'Plainest', 'the defects with the highest scores']
      : ['best', 'Most ordinary', 'the lowest scores'],
  ]
}

const hasDefect = ({ mask }: Pick<ReportExample, 'mask'>): boolean =>
  mask?.data.includes(1) ?? false

/** @param remark instead of the verdict */
export function exampleFigure(
  example: Omit<ReportExample, 'group'>,
  panels: Panels,
  remark?: Markup,
): Markup {
  const { id, defect, label } = example
  const known = label !== 'unknown'
  const what = known ? `${id} (${defect})` : id
  const picture = (source: string, alt: string) =>
    markup`<img src="${source}" width="${panels.size}" height="${panels.size}" loading="lazy" alt="${alt}">`
  return markup`<figure class="example"><div class="panels">
${picture(panels.input, `Input ${what}${hasDefect(example) ? ', true defect outlined in red' : ''}`)}
${picture(panels.heat, `Anomaly map of ${what}`)}
${picture(panels.mask, `Predicted mask of ${what}`)}
</div><figcaption>${remark ?? verdictOf(example)}<br><span class="id"><bdi>${id}</bdi></span></figcaption></figure>`
}

function verdictOf(example: Omit<ReportExample, 'group'>): Markup {
  const { defect, score, label } = example
  return markup`${label !== 'unknown' ? markup`<strong>${defect}</strong> ${outcome(example)}` : markup`<strong>called ${called(example)}</strong>`} <span class="score">score ${number(score, 4)}</span>`
}

/** What the colours mean, drawn on the page's ground as they are on a picture. */
function legend(range: HeatRange, threshold: number): Markup {
  const stops = Array.from({ length: 17 }, (_, i) => {
    const t = i / 16
    const [r, g, b] = heatColour(t)
    return `rgb(${r} ${g} ${b} / ${Math.round(heatAlpha(t) * 100)}%) ${Math.round(t * 1000) / 10}%`
  })
  const position = Math.min(1, Math.max(0, (threshold - range.low) / (range.high - range.low)))
  const inside = Number.isFinite(threshold) && Math.abs(position - thresholdColour) < 0.3
  return markup`<div class="legend" role="img" aria-label="Colours of the anomaly map: from blue at ${number(range.low)} over yellow to red at ${number(range.high)}"><div class="ramp" style="background:linear-gradient(to right,${stops.join(',')})"></div><div class="legend-text" aria-hidden="true"><span>≤ ${number(range.low)}<br>normal, no colour</span>${inside && markup`<span class="legend-threshold" style="left:${Math.round(position * 100)}%">${number(threshold)}<br>threshold</span>`}<span>≥ ${number(range.high)}<br>anomalous</span></div></div>`
}
