import type { DetectionMetrics } from '../../evaluation.js'
import { dash, number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup, type Part } from '../markup.js'
import { defectTable } from './defects.js'
import { thresholdTable } from './threshold.js'

/** The tables of results: how well it ranks, what the threshold promised and kept, by defect. */
export function metricsSection(input: ReportInput): Markup {
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
  const cell = (value: number | undefined, reason: string) =>
    valueCell(value, (v) => percent(v, 2), reason)
  const f1 = (metrics: DetectionMetrics | undefined, reason: string): Part =>
    metrics && Number.isFinite(metrics.f1Max)
      ? markup`<td class="number">${percent(metrics.f1Max, 2)}<br><span class="note">precision ${percent(metrics.precision)}, recall ${percent(metrics.recall)}<br>at\u00a0${number(metrics.threshold, 4)}</span></td>`
      : cell(NaN, reason)
  const aupro =
    protocol === 'strict' ? 'exact curve' : '1,000 thresholds, as the authors’ code samples it'
  return markup`<table class="metrics"><caption>Ranking: how well scores tell good from defective, whatever the threshold</caption>
<thead><tr><th scope="col">Metric</th><th scope="col" class="number">Images</th><th scope="col" class="number">Pixels</th></tr></thead>
<tbody>
<tr><th scope="row">AUROC<span class="note">chance that a defective one scores above a good one; 50 % is guessing</span></th>${cell(image.auroc, imageReason)}${cell(pixel?.auroc, pixelReason)}</tr>
<tr><th scope="row">Average precision<span class="note">like AUROC, but strict with false alarms where defects are rare</span></th>${cell(image.averagePrecision, imageReason)}${cell(pixel?.averagePrecision, pixelReason)}</tr>
<tr><th scope="row">F1-max<span class="note">best balance of precision and recall, at a threshold chosen on these very images</span></th>${f1(image, imageReason)}${f1(pixel, pixelReason)}</tr>
<tr><th scope="row">AUPRO to 0.3<span class="note">share of each defect covered, small ones counting as much as large ones (${aupro})</span></th><td class="number"><span class="note">pixels only</span></td>${cell(pixel?.aupro, pixelReason)}</tr>
</tbody></table>`
}

/** A table cell with a number, or a dash and why there is none. */
export function valueCell(
  value: number | undefined,
  format: (value: number) => string,
  reason: string,
): Markup {
  return value !== undefined && Number.isFinite(value)
    ? markup`<td class="number">${format(value)}</td>`
    : markup`<td class="number">${dash}<br><span class="note">${reason}</span></td>`
}
