import type { DetectionMetrics } from '@cflow/metrics'
import { count, dash, number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { tally, wilson, type Tally } from '../outcome.js'

/** The tables of results: how well it ranks, what the threshold promised and kept, by defect. */
export function resultsSection(input: ReportInput): Markup {
  return markup`<section aria-labelledby="results"><h2 id="results">Results</h2>
${metricTable(input)}
${thresholdTable(input)}
${defectTable(input)}
</section>`
}

function metricTable({ evaluation, scores }: ReportInput): Markup | undefined {
  if (!evaluation) return undefined
  const { image, pixel, protocol } = evaluation
  const has = (label: string) => scores.some((s) => s.label === label)
  const imageReason = !has('anomalous')
    ? 'no defective images'
    : !has('good')
      ? 'no good images'
      : 'not defined here'
  const pixelReason = !pixel
    ? 'no ground-truth masks'
    : has('anomalous')
      ? 'masks show one class only'
      : 'no defects to find'
  const f1 = (metrics: DetectionMetrics | undefined, reason: string): Markup =>
    metrics && Number.isFinite(metrics.f1Max)
      ? markup`<td class="number">${percent(metrics.f1Max, 2)}<br><span class="note">precision ${percent(metrics.precision)}, recall ${percent(metrics.recall)}<br>at\u00a0${number(metrics.threshold, 4)}</span></td>`
      : percentCell(NaN, reason)
  const aupro =
    protocol === 'strict' ? 'exact curve' : '1,000 thresholds, as the authors’ code samples it'
  return markup`<table class="metrics"><caption>Ranking: how well scores tell good from defective, whatever the threshold</caption>
<thead><tr><th scope="col">Metric</th><th scope="col" class="number">Images</th><th scope="col" class="number">Pixels</th></tr></thead>
<tbody>
<tr><th scope="row">AUROC<span class="note">chance that a defective one scores above a good one; 50 % is guessing</span></th>${percentCell(image.auroc, imageReason)}${percentCell(pixel?.auroc, pixelReason)}</tr>
<tr><th scope="row">Average precision<span class="note">like AUROC, but strict with false alarms where defects are rare</span></th>${percentCell(image.averagePrecision, imageReason)}${percentCell(pixel?.averagePrecision, pixelReason)}</tr>
<tr><th scope="row">F1-max<span class="note">best balance of precision and recall, at a threshold chosen on these very images</span></th>${f1(image, imageReason)}${f1(pixel, pixelReason)}</tr>
<tr><th scope="row">AUPRO to 0.3<span class="note">share of each defect covered, small ones counting as much as large ones (${aupro})</span></th><td class="number"><span class="note">pixels only</span></td>${percentCell(pixel?.aupro, pixelReason)}</tr>
</tbody></table>`
}

/** A table cell with a percentage, or a dash and why there is none. */
function percentCell(value: number | undefined, reason: string): Markup {
  return value !== undefined && Number.isFinite(value)
    ? markup`<td class="number">${percent(value, 2)}</td>`
    : markup`<td class="number">${dash}<br><span class="note">${reason}</span></td>`
}

/** The calibrated threshold: the false-positive rate it promises and what was counted on the test images. */
function thresholdTable({ manifest, scores, evaluation }: ReportInput): Markup {
  const { threshold, guaranteed, falsePositiveRate } = manifest.calibration
  const unknown = tally(scores, 'unknown')
  const { asked, why, basis } = promiseOf(manifest)
  const fixed = evaluation?.protocol === 'paper' ? '' : ', no test image has moved it'
  return markup`<table><caption>Calibrated threshold: fixed on ${basis}${fixed}</caption>
<tbody>
<tr><th scope="row">Threshold<span class="note">an image is called anomalous above it</span></th><td class="number">${number(threshold, 4)}</td></tr>
<tr><th scope="row">${asked}<span class="note">${why}</span></th><td class="number">${guaranteed && '≤ '}${percent(falsePositiveRate)}</td></tr>
${rateRow('False alarms measured', tally(scores, 'good'), 'no good test images')}
${rateRow('Defects caught', tally(scores, 'anomalous'), 'no defective test images')}
${unknown.images > 0 && rateRow('Unlabelled images called anomalous', unknown, '')}
</tbody></table>`
}

/** What the false-positive rate is worth: a guarantee, or what was aimed at and why it is no more. */
function promiseOf({ calibration, training }: ReportInput['manifest']) {
  const { guaranteed, source, falsePositiveRate } = calibration
  const basis = source === 'training' ? 'the training images themselves' : 'held-out good images'
  if (guaranteed) {
    const why = `guaranteed for images like the ${training.heldOut} held-out ones`
    return { asked: 'False alarms promised', why, basis }
  }
  const needed = Math.ceil(1 / falsePositiveRate - 1 - 1e-9)
  const few = training.heldOut === 1 ? 'is' : 'are'
  const why =
    source === 'training'
      ? 'not guaranteed: no images were held out, and those trained on score lower than new ones'
      : `an extrapolation: ${count(training.heldOut, 'held-out image')} ${few} too few to guarantee it, ${needed} would do`
  return { asked: 'False alarms aimed at', why, basis }
}

function rateRow(name: string, { images, called }: Tally, reason: string): Markup {
  if (images === 0)
    return markup`<tr><th scope="row">${name}<span class="note">${reason}</span></th><td class="number">–</td></tr>`
  const [low, high] = wilson(called, images)
  return markup`<tr><th scope="row">${name}<span class="note">${called} of ${count(images, 'image')}; 95 % interval ${percent(low)} to ${percent(high)}</span></th><td class="number">${percent(called / images)}</td></tr>`
}

/** Results by type of defect, each against all good images. */
function defectTable({ evaluation, scores }: ReportInput): Markup | undefined {
  const defects = (evaluation?.defects ?? []).filter((row) => row.defect !== 'good')
  if (!evaluation || defects.length === 0) return undefined
  const noGood = scores.some((s) => s.label === 'good') ? 'not defined' : 'no good images'
  const rows = defects.map(
    ({ defect, images, imageAuroc, pixelAuroc }) =>
      markup`<tr><th scope="row">${defect}</th><td class="number">${tally(scores, 'anomalous', defect).called} of ${images}</td>${percentCell(imageAuroc, noGood)}${evaluation.pixel && percentCell(pixelAuroc, 'no masks')}</tr>`,
  )
  return markup`<div class="scroll"><table><caption>By type of defect, each against all good images</caption>
<thead><tr><th scope="col">Defect</th><th scope="col" class="number">Caught</th><th scope="col" class="number">Image AUROC</th>${evaluation.pixel && markup`<th scope="col" class="number">Pixel AUROC</th>`}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}
