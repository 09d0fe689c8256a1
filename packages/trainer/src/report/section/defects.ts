import { percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { imageThreshold, tally } from '../verdict.js'
import { valueCell } from './metrics.js'

/** Results by type of defect, each against all good images. */
export function defectTable(input: ReportInput): Markup | undefined {
  const { evaluation, scores } = input
  const defects = (evaluation?.defects ?? []).filter((row) => row.defect !== 'good')
  if (!evaluation || defects.length === 0) return undefined
  const threshold = imageThreshold(input)
  const noGood = scores.some((s) => s.label === 'good') ? 'not defined' : 'no good images'
  const rows = defects.map((row) => {
    const own = tally(
      scores.filter((s) => s.label === 'anomalous' && s.defect === row.defect),
      threshold,
    )
    return markup`<tr><th scope="row">${row.defect}</th><td class="number">${own.called} of ${row.images}</td>${valueCell(row.imageAuroc, (v) => percent(v, 2), noGood)}${evaluation.pixel && valueCell(row.pixelAuroc, (v) => percent(v, 2), 'no masks')}</tr>`
  })
  return markup`<div class="scroll"><table><caption>By type of defect, each against all good images</caption>
<thead><tr><th scope="col">Defect</th><th scope="col" class="number">Caught</th><th scope="col" class="number">Image AUROC</th>${evaluation.pixel && markup`<th scope="col" class="number">Pixel AUROC</th>`}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}
