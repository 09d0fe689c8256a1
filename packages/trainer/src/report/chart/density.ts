import { number, percent } from '../format.js'
import type { ReportHistogram } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { rebinned, type DensityView } from './density-view.js'
import { plotOf, svg, xAxis, yLabel, type Plot } from './plot.js'
import { linearScale, rootScale, type Scale } from './scale.js'
import { thresholdLine } from './strip.js'

/** Densities of normal and anomalous feature vectors with the threshold τ: the paper's Figure 4. */
export function densityPlot(
  histogram: ReportHistogram,
  view: DensityView,
  threshold: number,
  width: number,
  kind: 'wide' | 'narrow',
): Markup {
  const wide = kind === 'wide'
  const shown = rebinned(histogram, view, wide ? 160 : 80)
  const x = linearScale(view.low, view.high, { count: wide ? 8 : 4 })
  const y = heightScale([shown.normal, shown.anomalous].map((d) => Math.max(...Array.from(d))))
  const plot = plotOf({ width, height: wide ? 320 : 250, x, y, margin: { left: 30, top: 28 } })
  const curves = (['normal', 'anomalous'] as const).map((name) => {
    if (!Array.from(shown[name]).some((v) => v > 0)) return undefined
    return markup`<path class="density ${name}" d="${steps(shown.edges, shown[name], plot)}"/>`
  })
  const description =
    `Densities of the anomaly scores of feature vectors. Above the threshold ${number(threshold, 4)} lie ` +
    `${percent(view.normalAbove, 2)} of the normal and ${percent(view.anomalousAbove)} of the anomalous ones.`
  return svg(
    plot,
    description,
    markup`${xAxis(plot, x, 'anomaly score of a feature vector (pixel)')}${yLabel(plot, y.kind === 'root' ? 'density (square-root scale)' : 'density')}${curves}${thresholdLine(plot, threshold, 'τ =')}`,
    kind,
  )
}

/** Heights are linear unless one peak would flatten the other. */
function heightScale(peaks: readonly number[]): Scale {
  const present = peaks.filter((p) => p > 0)
  const [highest, lowest] = [Math.max(...present), Math.min(...present)]
  return highest / lowest > 4 ? rootScale(highest * 1.05) : linearScale(0, highest * 1.05)
}

/** A histogram's outline as closed steps. */
function steps(edges: ArrayLike<number>, density: ArrayLike<number>, plot: Plot): string {
  let d = `M${plot.x(edges[0]!)} ${plot.bottom}`
  let last = plot.bottom
  for (let i = 0; i < density.length; i++) {
    const y = plot.y(density[i]!)
    if (y !== last) d += `V${y}`
    d += `H${plot.x(edges[i + 1]!)}`
    last = y
  }
  return `${d}V${plot.bottom}Z`
}
