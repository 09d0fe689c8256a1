import { rocCurve, scoresAndLabels } from '@cflow/metrics'
import { lineChart, round, type Line, type Plot } from '../chart/plot.js'
import { linearScale } from '../chart/scale.js'
import { percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup, type Part } from '../markup.js'

/** Points of a curve: enough for a picture. */
const maxPoints = 400

/** ROC of images and pixels, and the overlap with defects against the false-positive rate (PRO). */
export function curvesSection(input: ReportInput): Markup | undefined {
  const { evaluation } = input
  const { scores, pixels } = input.measured ?? input
  const counts = pixels?.counts
  const lines: (Line & { readonly name: string; readonly area: number })[] = []
  if (evaluation && !Number.isNaN(evaluation.image.auroc)) {
    const known = scores.filter((s) => s.label !== 'unknown')
    const { fpr, tpr } = rocCurve(...scoresAndLabels(known), maxPoints)
    lines.push({ x: fpr, y: tpr, style: 0, name: 'images', area: evaluation.image.auroc })
  }
  // the calibrated threshold is a point of the detector's own scores, which the paper's protocol does not rank by
  const at = lines.length > 0 ? evaluation?.operatingPoint : undefined
  const point = at && Number.isFinite(at.falsePositiveRate + at.truePositiveRate) ? at : undefined
  const both = pixels && counts && counts.normal > 0 && counts.regions > 0
  if (both) {
    const { fpr, tpr } = pixels.rocCurve(maxPoints)
    const area = evaluation?.pixel?.auroc ?? NaN
    lines.push({ x: fpr, y: tpr, style: 1, name: 'pixels', area })
  }
  if (lines.length === 0) return undefined
  return markup`<section aria-labelledby="curves"><h2 id="curves">Trade-off curves</h2><div class="charts">
<figure><h3>ROC</h3>${rateChart(
    1,
    'found (true-positive rate)',
    lines,
    'Receiver operating characteristic',
    (plot) => [
      markup`<path class="guide" d="M${plot.x(0)} ${plot.y(0)}L${plot.x(1)} ${plot.y(1)}"/>`,
      point && workingPoint(plot.x(point.falsePositiveRate), plot.y(point.truePositiveRate)),
    ],
  )}<figcaption>${lines.map(({ name, style, area }, i) => markup`${i > 0 && ', '}${key(style)} ${name}${Number.isFinite(area) && ` (area ${percent(area)})`}`)}.${point && ' ⊕ the calibrated threshold.'} The thin diagonal is guessing.</figcaption></figure>
${both && proFigure(pixels, evaluation?.pixel?.aupro ?? NaN)}
</div></section>`
}

function proFigure(pixels: NonNullable<ReportInput['pixels']>, aupro: number): Markup {
  const { fpr, overlap } = pixels.proCurve({ limit: 0.3, maxPoints })
  const line = { x: fpr, y: overlap, style: 2 }
  return markup`<figure><h3>PRO</h3>${rateChart(0.3, 'share of each defect covered', [line], 'Per-region overlap against the false-positive rate')}<figcaption>${key(2)} mean over all defects${Number.isFinite(aupro) && ` (area to 30 %: ${percent(aupro)})`}. Small defects count as much as large ones.</figcaption></figure>`
}

function rateChart(
  limit: number,
  yLabel: string,
  lines: readonly Line[],
  description: string,
  marks?: (plot: Plot) => Part,
): Markup {
  const format = (v: number) => `${Math.round(v * 100)} %`
  return lineChart({
    width: 420,
    height: 360,
    x: linearScale(0, limit, { count: limit === 1 ? 5 : 3, format }),
    y: linearScale(0, 1, { count: 5, format }),
    xLabel: 'false-positive rate',
    yLabel,
    lines,
    description,
    marks,
    left: 64,
  })
}

/** A ring with a cross, to mark where a detector works on a curve. */
function workingPoint(x: number, y: number): Markup {
  return markup`<g class="working"><circle cx="${x}" cy="${y}" r="6"/><path d="M${round(x - 3)} ${y}h6M${x} ${round(y - 3)}v6"/></g>`
}

/** The sign of a line in captions. */
function key(style: number): Markup {
  return markup`<svg class="line-key" width="26" height="10" aria-hidden="true"><path class="line s${style}" d="M1 5H25"/></svg>`
}
