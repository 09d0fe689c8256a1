import { number, percent } from '../format.js'
import type { ReportHistogram } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { plotOf, svg, xAxis, type Plot } from './plot.js'
import { linearScale, rootScale, type Scale } from './scale.js'
import { thresholdLine } from './strip.js'

/** How the histogram is cut for drawing, and what was left out. */
export interface DensityView {
  readonly low: number
  readonly high: number
  /** Share of each class beyond `high`. */
  readonly normalBeyond: number
  readonly anomalousBeyond: number
  /** Share of each class above the threshold. */
  readonly normalAbove: number
  readonly anomalousAbove: number
}

/**
 * The stretch of scores worth drawing: from where the lower class begins to where all but 0.1 % of the normal and 2 %
 * of the anomalous vectors lie, the threshold always inside.
 */
export function densityView(histogram: ReportHistogram, threshold: number): DensityView {
  const { edges, normal, anomalous } = histogram
  const starts = [quantile(edges, normal, 0.0005), quantile(edges, anomalous, 0.0005)]
  const ends = [quantile(edges, normal, 0.999), quantile(edges, anomalous, 0.98)]
  const inside = Number.isFinite(threshold) ? [threshold] : []
  const low = Math.min(...starts.filter(Number.isFinite), ...inside)
  const end = Math.max(...ends.filter(Number.isFinite), ...inside)
  const high = end > low ? end + (end - low) * 0.03 : low + 1
  return {
    low,
    high,
    normalBeyond: shareAbove(edges, normal, high),
    anomalousBeyond: shareAbove(edges, anomalous, high),
    normalAbove: shareAbove(edges, normal, threshold),
    anomalousAbove: shareAbove(edges, anomalous, threshold),
  }
}

/** Densities of normal and anomalous feature vectors with the threshold τ: the paper's Figure 4. */
export function densityPlot(
  histogram: ReportHistogram,
  threshold: number,
  width: number,
  kind: 'wide' | 'narrow',
): Markup {
  const view = densityView(histogram, threshold)
  const x = linearScale(view.low, view.high, { count: kind === 'wide' ? 8 : 4 })
  const peaks = [histogram.normal, histogram.anomalous].map((d) => peakOf(histogram.edges, d, view))
  const y = heightScale(Math.max(...peaks), Math.min(...peaks))
  const plot = plotOf({
    width,
    height: kind === 'wide' ? 300 : 250,
    x,
    y,
    margin: { left: 30, top: 28 },
  })
  const axis = y.kind === 'root' ? 'density (square-root scale)' : 'density'
  const curves = (['normal', 'anomalous'] as const).map((name) => {
    const d = outline(histogram.edges, histogram[name], plot, view)
    return d && markup`<path class="density ${name}" d="${d}"/>`
  })
  const description =
    `Densities of the anomaly scores of feature vectors. ${percent(view.normalAbove, 2)} of the normal and ` +
    `${percent(view.anomalousAbove)} of the anomalous ones lie above the threshold ${number(threshold)}.`
  const middle = (plot.top + plot.bottom) / 2
  const label = markup`<path class="axis" d="M${plot.left} ${plot.top}V${plot.bottom}"/><text class="label" transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle">${axis}</text>`
  return svg(
    plot,
    description,
    markup`${xAxis(plot, x, 'anomaly score of a feature vector (pixel)')}${label}${curves}${thresholdLine(plot, threshold, 'τ =')}`,
    kind,
  )
}

/** Heights are linear unless one peak would flatten the other. */
function heightScale(highest: number, lowest: number): Scale {
  return lowest > 0 && highest / lowest > 4
    ? rootScale(highest * 1.05)
    : linearScale(0, highest > 0 ? highest * 1.05 : 1)
}

/** The histogram's outline as closed steps, cut to the view. */
function outline(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  plot: Plot,
  view: DensityView,
): string {
  let d = ''
  let last = plot.bottom
  for (let i = 0; i < density.length; i++) {
    if (edges[i + 1]! <= view.low || edges[i]! >= view.high) continue
    const y = plot.y(density[i]!)
    if (d === '') d = `M${plot.x(edges[i]!)} ${plot.bottom}`
    if (y !== last) d += `V${y}`
    d += `H${plot.x(edges[i + 1]!)}`
    last = y
  }
  return d === '' ? '' : `${d}V${plot.bottom}Z`
}

function peakOf(edges: ArrayLike<number>, density: ArrayLike<number>, view: DensityView): number {
  let peak = 0
  for (let i = 0; i < density.length; i++)
    if (edges[i + 1]! > view.low && edges[i]! < view.high) peak = Math.max(peak, density[i]!)
  return peak
}

/** Share of the mass above a score, a bin counted in part where the score lies in it. NaN without mass. */
export function shareAbove(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  score: number,
): number {
  let total = 0
  let above = 0
  for (let i = 0; i < density.length; i++) {
    const from = edges[i]!
    const to = edges[i + 1]!
    total += density[i]! * (to - from)
    above += density[i]! * Math.max(0, to - Math.max(from, score))
  }
  return above / total
}

function quantile(edges: ArrayLike<number>, density: ArrayLike<number>, share: number): number {
  let total = 0
  for (let i = 0; i < density.length; i++) total += density[i]! * (edges[i + 1]! - edges[i]!)
  if (!(total > 0)) return NaN
  let sum = 0
  for (let i = 0; i < density.length; i++) {
    const mass = (density[i]! * (edges[i + 1]! - edges[i]!)) / total
    if (sum + mass >= share && mass > 0)
      return edges[i]! + ((share - sum) / mass) * (edges[i + 1]! - edges[i]!)
    sum += mass
  }
  return edges[density.length]!
}
