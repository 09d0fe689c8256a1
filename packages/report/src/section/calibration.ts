import { knownDefectsOf } from '@cflow/detector'
import { responsive } from '../chart/plot.js'
import { count, number } from '../format.js'
import { heatRange } from '../heatmap.js'
import type { Judged, ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { renderPanels } from '../panels.js'
import { exampleFigure } from './examples.js'
import { csvLink, stripPlot } from './scores.js'

/** The images that set the threshold: their scores, and the one that decided. They say nothing of how the detector does. */
export async function calibrationSection(input: ReportInput): Promise<Markup | undefined> {
  const { manifest, calibration } = input
  const { scores, threshold, source, folds, setBy } = manifest.calibration
  if (scores.length === 0) return undefined
  const known = manifest.calibration.knownDefects?.scores ?? []
  const named = (label: Judged['label'], defect: string, all: readonly number[]) =>
    (label === 'good' ? calibration?.images : calibration?.defects) ??
    all.map((score) => ({ id: defect, score }))
  const dots = (label: 'good' | 'anomalous', defect: string, all: readonly number[]) =>
    named(label, defect, all).map(({ id, score }): Judged => {
      return { id, label, defect, score, threshold, anomalous: score > threshold, pValue: NaN }
    })
  const all = [...dots('good', 'good', scores), ...dots('anomalous', 'known defect', known)]
  const how = {
    'held-out': 'kept out of the training and judged by this detector',
    folds: `each judged by a training without it, in ${folds ?? 'several'} folds`,
    training: 'the very images that it learned from',
  }[source]
  const defects = knownDefectsOf(manifest)
  return markup`<section aria-labelledby="calibration"><h2 id="calibration">The images that set the threshold</h2>
<p>${count(scores.length, 'good image')}, ${how}. They set the threshold, so they cannot tell how often it raises false alarms: no rate is taken from them.${defects && ` ${defects.text}`}</p>
<figure>${responsive((width, kind) => stripPlot(all, threshold, width, kind))}<figcaption><span class="key good">●</span> good${known.length > 0 && markup`, <span class="key anomalous">▲</span> known defects, which were never learned from`}. Height within a row means nothing.</figcaption></figure>
${setBy && markup`<p>${setByText(input)}</p>`}
${await decisivePicture(input)}
${input.scores.length === 0 && calibration && csvLink(input)}
</section>`
}

/** Which image decided, in a sentence. */
function setByText({ manifest }: ReportInput): Markup {
  const { setBy, threshold, knownDefects, source } = manifest.calibration
  const conformal = knownDefects?.conformal ?? threshold
  const name = markup`<span class="id"><bdi>${setBy?.id}</bdi></span>`
  const score = number(setBy?.score ?? NaN, 4)
  const whose = source === 'training' ? '' : ' Is it really a good one?'
  const moved = threshold > conformal && ` From ${number(conformal, 4)} it was moved up to ${number(threshold, 4)}, towards the known defects.` // prettier-ignore
  return setBy?.score === conformal
    ? markup`Decided by ${name}: the threshold is its score, ${score}.${moved}${whose}`
    : (setBy?.score ?? NaN) > conformal
      ? markup`The threshold, ${number(conformal, 4)}, is estimated from the upper half of the scores; the lowest above it is that of ${name}, ${score}.${moved}${whose}`
      : markup`The highest score is that of ${name}, ${score}; the threshold continues the scores beyond it, to ${number(conformal, 4)}.${moved}${whose}`
}

async function decisivePicture({ calibration, manifest }: ReportInput) {
  const { decisive } = calibration ?? {}
  if (!decisive) return undefined
  const { threshold, setBy, source } = manifest.calibration
  const range = heatRange([decisive.anomalyMap], threshold)
  const panels = await renderPanels(decisive, threshold, range)
  const by =
    source === 'folds'
      ? markup`score ${number(setBy?.score ?? NaN, 4)} by the training without it, ${number(decisive.score, 4)} by this detector, whose map this is: it has learned from the image`
      : markup`score ${number(decisive.score, 4)}`
  return markup`<div class="examples">${exampleFigure(decisive, panels, markup`<strong>good</strong> <span class="score">${by}</span>`)}</div>`
}
