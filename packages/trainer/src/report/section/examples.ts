import { number } from '../format.js'
import { heatAlpha, heatColour, heatRange, thresholdColour, type HeatRange } from '../heatmap.js'
import type { ReportExample, ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { renderPanels, type Panels } from '../panels.js'
import { imageThreshold, verdictOf } from '../verdict.js'
import { outcome } from './scores.js'

const groups = ['worst', 'doubtful', 'best'] as const

/** Images with ground truth, anomaly map and predicted mask: the paper's Figure 3. */
export async function examplesSection(input: ReportInput): Promise<Markup | undefined> {
  const { examples, pixelThreshold } = input
  if (examples.length === 0) return undefined
  const range = heatRange(
    examples.map((e) => e.map),
    pixelThreshold,
  )
  const figures = new Map<ReportExample, Markup>()
  for (const example of examples)
    figures.set(
      example,
      exampleFigure(example, await renderPanels(example, pixelThreshold, range), input),
    )
  const imageAt = imageThreshold(input)
  const truth = examples.some((e) => e.truth?.data.includes(1))
  const labelled = examples.some((e) => e.label !== 'unknown')
  const chosen = Number.isFinite(input.evaluation?.pixel?.threshold)
    ? 'the threshold with the best F1 on these test pixels'
    : 'the calibrated threshold'
  return markup`<section aria-labelledby="examples"><h2 id="examples">Examples</h2>
<p>Left: the input${truth && markup`, with the true defect outlined in <span class="key truth">red</span>`}. Middle: the anomaly map over it, with the predicted mask outlined in white. Right: the predicted mask in white${truth && ', with the true outline in red for comparison'}. Pixels belong to the mask above ${number(pixelThreshold, 4)}, ${chosen}${imageAt !== pixelThreshold && `; verdicts on whole images use the calibrated threshold ${number(imageAt, 4)}`}.</p>
${legend(range, pixelThreshold)}
${groups.map((group) => {
  const own = examples.filter((e) => e.group === group)
  const [title, note] = headings(labelled)[group]
  return (
    own.length > 0 &&
    markup`<h3>${title} <span class="note">${note}</span></h3><div class="examples">${own.map((e) => figures.get(e))}</div>`
  )
})}
</section>`
}

function headings(
  labelled: boolean,
): Readonly<Record<(typeof groups)[number], readonly [string, string]>> {
  return {
    worst: labelled
      ? ['Worst', 'where score and truth agree least']
      : ['Most anomalous', 'the highest scores'],
    doubtful: ['Most doubtful', 'scores closest to the threshold, on either side'],
    best: labelled
      ? ['Best', 'where score and truth agree most clearly']
      : ['Most ordinary', 'the lowest scores'],
  }
}

function exampleFigure(example: ReportExample, panels: Panels, input: ReportInput): Markup {
  const { id, defect, score } = example
  const verdict = verdictOf(example, imageThreshold(input))
  const known = verdict.outcome !== 'not known'
  const what = known ? `${id} (${defect})` : id
  const picture = (source: string, alt: string) =>
    markup`<img src="${source}" width="${panels.size}" height="${panels.size}" loading="lazy" alt="${alt}">`
  return markup`<figure class="example"><div class="panels">
${picture(panels.input, `Input ${what}${example.truth?.data.includes(1) ? ', true defect outlined in red' : ''}`)}
${picture(panels.heat, `Anomaly map of ${what}`)}
${picture(panels.mask, `Predicted mask of ${what}`)}
</div><figcaption>${known ? markup`<strong>${defect}</strong> ${outcome(verdict)}` : markup`<strong>called ${verdict.called}</strong>`} <span class="score">score ${number(score, 4)}</span><br><span class="id"><bdi>${id}</bdi></span></figcaption></figure>`
}

/** What the colours mean, drawn on the page's ground as they are on a picture. */
function legend(range: HeatRange, threshold: number): Markup {
  const stops = Array.from({ length: 17 }, (_, i) => {
    const t = i / 16
    const [r, g, b] = heatColour(t)
    return `rgb(${r} ${g} ${b} / ${Math.round(heatAlpha(t) * 100)}%) ${Math.round(t * 1000) / 10}%`
  })
  const place = Math.min(1, Math.max(0, (threshold - range.low) / (range.high - range.low)))
  const inside = Number.isFinite(threshold) && Math.abs(place - thresholdColour) < 0.3
  return markup`<div class="legend" role="img" aria-label="Colours of the anomaly map: from blue at ${number(range.low)} over yellow to red at ${number(range.high)}"><div class="ramp" style="background:linear-gradient(to right,${stops.join(',')})"></div><div class="legend-text" aria-hidden="true"><span>≤ ${number(range.low)}<br>normal, no colour</span>${inside && markup`<span class="legend-threshold" style="left:${Math.round(place * 100)}%">${number(threshold)}<br>threshold</span>`}<span>≥ ${number(range.high)}<br>anomalous</span></div></div>`
}
