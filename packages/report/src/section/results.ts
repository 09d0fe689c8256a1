import { promiseOf } from '@cflow/detector'
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
${confusionTable(input)}
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

/** The calibrated threshold: what it promises and what was counted on the test images. */
function thresholdTable(input: ReportInput): Markup {
  const { manifest, scores, evaluation, ownEvidence = 0 } = input
  const { threshold } = manifest.calibration
  const unknown = tally(scores, 'unknown')
  const promise = promiseOf(manifest)
  const fixed = scores.length === 0 || evaluation?.protocol === 'paper' ? '' : ': no test image has moved it' // prettier-ignore
  const name = {
    average: 'False alarms promised on average',
    confidence: 'False alarms promised',
    none: 'False alarms aimed at',
  }[promise.kind]
  return markup`<table><caption>Calibrated threshold${fixed}</caption>
<tbody>
<tr><th scope="row">Threshold<span class="note">an image is called anomalous above it</span></th><td class="number">${number(threshold, 4)}</td></tr>
<tr><th scope="row">${name}<span class="note">${kept(promise.text)}</span></th><td class="number">${promise.kind !== 'none' && '≤ '}${percent(promise.rate)}</td></tr>
${
  ownEvidence > 0
    ? markup`<tr><th scope="row">False alarms measured<span class="note">${ownImages(ownEvidence)}</span></th><td class="number">${dash}</td></tr>`
    : rateRow('False alarms measured', tally(scores, 'good'), 'no good test images')
}
${rateRow('Defects caught', tally(scores, 'anomalous'), 'no defective test images')}
${unknown.images > 0 && rateRow('Unlabelled images called anomalous', unknown, '')}
</tbody></table>`
}

/** A number and its unit stay on one line. */
const kept = (text: string): string => text.replaceAll(/(\d) %/g, '$1\u00a0%')

/** Why there is no rate of false alarms. */
export const ownImages = (n: number): string =>
  `not measured: ${count(n, 'of the good images', 'of the good images')} judged set the threshold`

/** What the detector calls the images, against what they are. */
function confusionTable({ scores, ownEvidence = 0 }: ReportInput): Markup | undefined {
  const [good, bad] = [tally(scores, 'good'), tally(scores, 'anomalous')]
  if (good.images + bad.images === 0) return undefined
  const row = (name: string, { images, called }: Tally, right: 'good' | 'anomalous') => {
    const wrong = right === 'good' ? called : images - called
    const word = right === 'good' ? 'false alarms' : 'missed'
    const cell = (n: number, isWrong: boolean) =>
      markup`<td class="number">${n.toLocaleString('en-US')}${isWrong && wrong > 0 && markup`<br><span class="note">${word}</span>`}</td>`
    return markup`<tr><th scope="row">${name}</th>${cell(images - called, right === 'anomalous')}${cell(called, right === 'good')}<td class="number">${images.toLocaleString('en-US')}</td></tr>`
  }
  return markup`<table class="confusion"><caption>Confusion matrix at the calibrated threshold, images</caption>
<thead><tr><th scope="col">In truth</th><th scope="col" class="number">Called good</th><th scope="col" class="number">Called anomalous</th><th scope="col" class="number">All</th></tr></thead>
<tbody>${good.images > 0 && ownEvidence === 0 && row('Good', good, 'good')}${bad.images > 0 && row('Defective', bad, 'anomalous')}</tbody></table>`
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
