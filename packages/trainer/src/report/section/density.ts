import { densityPlot, densityView } from '../chart/density.js'
import { responsive } from '../chart/plot.js'
import { number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** Densities of the scores of normal and anomalous feature vectors: the paper's Figure 4. */
export function densitySection({ histogram, pixelThreshold }: ReportInput): Markup | undefined {
  if (!histogram || !hasMass(histogram.normal)) return undefined
  const view = densityView(histogram, pixelThreshold)
  const anomalous = hasMass(histogram.anomalous)
  const beyond = Math.max(view.normalBeyond || 0, view.anomalousBeyond || 0)
  return markup`<section aria-labelledby="densities"><h2 id="densities">Normal and anomalous feature vectors</h2>
<figure>${responsive((width, kind) => densityPlot(histogram, pixelThreshold, width, kind))}
<figcaption><span class="key swatch normal"></span> normal (solid line)${anomalous && markup`, <span class="key swatch anomalous"></span> anomalous (dashed line)`}. The threshold τ = ${number(pixelThreshold, 4)} leaves ${percent(view.normalAbove, 2)} of the normal ${anomalous && `and ${percent(view.anomalousAbove)} of the anomalous `}vectors above it. Less overlap means defects are easier to find.${beyond > 0.0005 && ` The axis ends at ${number(view.high)}; ${percent(view.normalBeyond || 0, 2)} of the normal${anomalous ? ` and ${percent(view.anomalousBeyond)} of the anomalous` : ''} vectors lie beyond.`}</figcaption></figure>
</section>`
}

function hasMass(density: ArrayLike<number>): boolean {
  return Array.from(density).some((v) => v > 0)
}
