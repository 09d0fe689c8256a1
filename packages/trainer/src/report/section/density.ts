import { densityPlot } from '../chart/density.js'
import { densityView, type DensityView } from '../chart/density-view.js'
import { responsive } from '../chart/plot.js'
import { number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** Densities of the scores of normal and anomalous feature vectors: the paper's Figure 4. */
export function densitySection({ histogram, pixelThreshold }: ReportInput): Markup | undefined {
  const view = histogram && densityView(histogram, pixelThreshold)
  if (!view) return undefined
  const anomalous = Number.isFinite(view.anomalousAbove)
  return markup`<section aria-labelledby="densities"><h2 id="densities">Normal and anomalous feature vectors</h2>
<figure>${responsive((width, kind) => densityPlot(histogram, view, pixelThreshold, width, kind))}
<figcaption><span class="key swatch normal"></span> normal (solid line)${anomalous && markup`, <span class="key swatch anomalous"></span> anomalous (dashed line), each of area 1`}. Above the threshold τ = ${number(pixelThreshold, 4)} lie ${percent(view.normalAbove, 2)} of the normal${anomalous && ` and ${percent(view.anomalousAbove)} of the anomalous`} vectors.${anomalous && ' The less the two overlap, the easier defects are to find.'}${beyond(view)}</figcaption></figure>
</section>`
}

/** What the axis leaves out. */
function beyond({ high, normalBeyond, anomalousBeyond }: DensityView): string | undefined {
  if (!(Math.max(normalBeyond, anomalousBeyond || 0) > 0.0005)) return undefined
  const anomalous = anomalousBeyond > 0 ? ` and ${percent(anomalousBeyond)} of the anomalous` : ''
  return ` The axis ends at ${number(high)}, so that the tail does not squeeze the rest; ${percent(normalBeyond, 2)} of the normal${anomalous} vectors lie beyond.`
}
