import { number } from '../format.js'
import { heatAlpha, heatColour, heatRange, thresholdColour, type HeatRange } from '../heatmap.js'
import type { ReportExample, ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { renderPanels, type Panels } from '../panels.js'
import { called, outcome } from './scores.js'

/** Images with ground truth, anomaly map and predicted mask: the paper's Figure 3. */
export async function examplesSection(
  { examples, evaluation, manifest }: ReportInput,
  pixelThreshold: number,
): Promise<Markup | undefined> {
  if (examples.length === 0) return undefined
  const range = heatRange(
    examples.map((e) => e.anomalyMap),
    pixelThreshold,
  )
  const figures: Markup[] = []
  for (const example of examples)
    figures.push(exampleFigure(example, await renderPanels(example, pixelThreshold, range)))
  const imageAt = manifest.calibration.threshold
  const truth = examples.some(hasDefect)
  const labelled = examples.some((e) => e.label !== 'unknown')
  const chosen = Number.isFinite(evaluation?.pixel?.threshold)
    ? 'the threshold with the best F1 on these test pixels'
    : 'the calibrated threshold'
  return markup`<section aria-labelledby="examples"><h2 id="examples">Examples</h2>
<p>Left: the input${truth && markup`, with the true defect outlined in <span class="key truth">red</span>`}. Middle: the anomaly map over it, with the predicted mask outlined in white. Right: the predicted mask in white${truth && ', with the true outline in red for comparison'}. Pixels belong to the mask above ${number(pixelThreshold, 4)}, ${chosen}${imageAt !== pixelThreshold && `; verdicts on whole images use the calibrated threshold ${number(imageAt, 4)}`}.</p>
${legend(range, pixelThreshold)}
${headings(labelled).map(([group, title, note]) => {
  const own = figures.filter((_, i) => examples[i]!.group === group)
  return (
    own.length > 0 &&
    markup`<h3>${title} <span class="note">${note}</span></h3><div class="examples">${own}</div>`
  )
})}
</section>`
}

const headings = (
  labelled: boolean,
): readonly (readonly [ReportExample['group'], string, string])[] => [
  labelled
    ? ['worst', 'Worst', 'where score and truth agree least']
    : ['worst', 'Most anomalous', 'the highest scores'],
  ['doubtful', 'Most doubtful', 'scores closest to the threshold, on either side'],
  labelled
    ? ['best', 'Best', 'where score and truth agree most clearly']
    : ['best', 'Most ordinary', 'the lowest scores'],
]

const hasDefect = ({ mask }: ReportExample): boolean => mask?.data.includes(1) ?? false

function exampleFigure(example: ReportExample, panels: Panels): Markup {
  const { id, defect, score, label } = example
  const known = label !== 'unknown'
  const what = known ? `${id} (${defect})` : id
  const picture = (source: string, alt: string) =>
    markup`<img src="${source}" width="${panels.size}" height="${panels.size}" loading="lazy" alt="${alt}">`
  return markup`<figure class="example"><div class="panels">
${picture(panels.input, `Input ${what}${hasDefect(example) ? ', true defect outlined in red' : ''}`)}
${picture(panels.heat, `Anomaly map of ${what}`)}
${picture(panels.mask, `Predicted mask of ${what}`)}
</div><figcaption>${known ? markup`<strong>${defect}</strong> ${outcome(example)}` : markup`<strong>called ${called(example)}</strong>`} <span class="score">score ${number(score, 4)}</span><br><span class="id"><bdi>${id}</bdi></span></figcaption></figure>`
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
