import { lineChart, workingPoint, type Line } from '../chart/line.js'
import { linearScale } from '../chart/scale.js'
import { percent } from '../format.js'
import type { Curve, ReportInput } from '../input.js'
import { markup, type Markup, type Part } from '../markup.js'

const rate = (v: number) => `${Math.round(v * 100)} %`

/** ROC of images and pixels, and the overlap with defects against the false-positive rate (PRO). */
export function curvesSection({ curves, evaluation }: ReportInput): Markup | undefined {
  const { imageRoc, pixelRoc, pro } = {
    imageRoc: usable(curves?.imageRoc),
    pixelRoc: usable(curves?.pixelRoc),
    pro: usable(curves?.pro),
  }
  if (!imageRoc && !pixelRoc && !pro) return undefined
  const areas = [
    imageRoc && (['images', 0, evaluation?.image.auroc] as const),
    pixelRoc && (['pixels', 1, evaluation?.pixel?.auroc] as const),
  ].filter((a) => a !== undefined)
  const lines: Line[] = []
  if (imageRoc) lines.push({ curve: imageRoc, style: 0 })
  if (pixelRoc) lines.push({ curve: pixelRoc, style: 1 })
  // the calibrated threshold is a point of the detector's own scores, which the paper's protocol does not rank by
  const point = evaluation?.protocol === 'strict' ? evaluation.operatingPoint : undefined
  return markup`<section aria-labelledby="curves"><h2 id="curves">Trade-off curves</h2><div class="charts">
${
  lines.length > 0 &&
  markup`<figure><h3>ROC</h3>${rateChart(
    1,
    'found (true-positive rate)',
    lines,
    'Receiver operating characteristic',
    (plot) => [
      markup`<path class="guide" d="M${plot.x(0)} ${plot.y(0)}L${plot.x(1)} ${plot.y(1)}"/>`,
      imageRoc && point && workingPoint(plot, point.falsePositiveRate, point.truePositiveRate),
    ],
  )}<figcaption>${areas.map(([name, style, area], i) => markup`${i > 0 && ', '}${key(style)} ${name}${area !== undefined && Number.isFinite(area) && ` (area ${percent(area)})`}`)}.${imageRoc && point && Number.isFinite(point.falsePositiveRate + point.truePositiveRate) && ' ⊕ the calibrated threshold.'} The thin diagonal is guessing.</figcaption></figure>`
}
${
  pro &&
  markup`<figure><h3>PRO</h3>${rateChart(0.3, 'share of each defect covered', [{ curve: pro, style: 2 }], 'Per-region overlap against the false-positive rate')}<figcaption>${key(2)} mean over all defects${evaluation?.pixel && Number.isFinite(evaluation.pixel.aupro) && ` (area to 30 %: ${percent(evaluation.pixel.aupro)})`}. Small defects count as much as large ones.</figcaption></figure>`
}
</div></section>`
}

function rateChart(
  limit: number,
  yLabel: string,
  lines: readonly Line[],
  description: string,
  marks?: (plot: Parameters<NonNullable<Parameters<typeof lineChart>[0]['marks']>>[0]) => Part,
): Markup {
  return lineChart({
    width: 420,
    height: 360,
    x: linearScale(0, limit, { count: limit === 1 ? 5 : 3, format: rate }),
    y: linearScale(0, 1, { count: 5, format: rate }),
    xLabel: 'false-positive rate',
    yLabel,
    lines: lines.map((l) => ({ ...l, curve: upTo(l.curve, limit) })),
    description,
    ...(marks && { marks }),
    left: 64,
  })
}

/** The sign of a line in captions. */
export function key(style: number): Markup {
  return markup`<svg class="line-key" width="26" height="10" aria-hidden="true"><path class="line s${style}" d="M1 5H25"/></svg>`
}

/** A curve up to x = limit, its last point interpolated there. */
export function upTo({ x, y }: Curve, limit: number): Curve {
  const kept = { x: [] as number[], y: [] as number[] }
  for (let i = 0; i < x.length; i++) {
    if (x[i]! > limit) {
      const [x0, y0] = [x[i - 1], y[i - 1]]
      if (x0 === undefined || y0 === undefined) break
      kept.x.push(limit)
      kept.y.push(y0 + ((y[i]! - y0) * (limit - x0)) / (x[i]! - x0))
      break
    }
    kept.x.push(x[i]!)
    kept.y.push(y[i]!)
  }
  return kept
}

function usable(curve: Curve | undefined): Curve | undefined {
  if (!curve || curve.x.length < 2) return undefined
  return Array.from(curve.y).every(Number.isFinite) && Array.from(curve.x).every(Number.isFinite)
    ? curve
    : undefined
}
