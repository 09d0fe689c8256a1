import { plotOf, responsive, svg, thresholdLine, xAxis, yAxis } from '../chart/plot.js'
import { linearScale, rootScale, type Scale } from '../chart/scale.js'
import { number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** Densities of the anomaly scores of normal and anomalous feature vectors (pixels) over shared bins. */
export interface Densities {
  /** Bin borders, one more than bins. */
  readonly edges: ArrayLike<number>
  readonly normal: ArrayLike<number>
  readonly anomalous: ArrayLike<number>
}

/** How the densities are cut for drawing, and what lies where. */
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

/** Densities of the scores of normal and anomalous feature vectors: the paper's Figure 4. */
export function densitiesSection({ pixels }: ReportInput, threshold: number): Markup | undefined {
  const densities = pixels?.scoreHistogram({ bins: 4000 })
  const view = densities && densityView(densities, threshold)
  if (!view) return undefined
  const anomalous = Number.isFinite(view.anomalousAbove)
  return markup`<section aria-labelledby="densities"><h2 id="densities">Normal and anomalous feature vectors</h2>
<figure>${responsive((width, kind) => densityPlot(densities, view, threshold, width, kind))}
<figcaption><span class="key swatch normal"></span> normal (solid line)${anomalous && markup`, <span class="key swatch anomalous"></span> anomalous (dashed line), each of area 1`}. Above the threshold τ = ${number(threshold, 4)} lie ${percent(view.normalAbove, 2)} of the normal${anomalous && ` and ${percent(view.anomalousAbove)} of the anomalous`} vectors.${anomalous && ' The less the two overlap, the easier defects are to find.'}${beyond(view)}</figcaption></figure>
</section>`
}

/** What the axis leaves out. */
function beyond({ high, normalBeyond, anomalousBeyond }: DensityView): string | undefined {
  if (!(Math.max(normalBeyond, anomalousBeyond || 0) > 0.0005)) return undefined
  const anomalous = anomalousBeyond > 0 ? ` and ${percent(anomalousBeyond)} of the anomalous` : ''
  return ` The axis ends at ${number(high)}, so that the tail does not squeeze the rest; ${percent(normalBeyond, 2)} of the normal${anomalous} vectors lie beyond.`
}

/** The chart of the densities with the threshold τ. */
export function densityPlot(
  densities: Densities,
  view: DensityView,
  threshold: number,
  width: number,
  kind: 'wide' | 'narrow',
): Markup {
  const wide = kind === 'wide'
  const { edges, ...shown } = rebinned(densities, view, wide ? 160 : 80)
  const x = linearScale(view.low, view.high, { count: wide ? 8 : 4 })
  const y = heightScale(Object.values(shown).map((density) => Math.max(...density)))
  const plot = plotOf({ width, height: wide ? 320 : 250, x, y, margin: { left: 30, top: 28 } })
  const curves = (['normal', 'anomalous'] as const).map((name) => {
    if (!shown[name].some((v) => v > 0)) return undefined
    let d = `M${plot.x(edges[0]!)} ${plot.bottom}`
    let last = plot.bottom
    shown[name].forEach((density, i) => {
      const height = plot.y(density)
      if (height !== last) d += `V${height}`
      d += `H${plot.x(edges[i + 1]!)}`
      last = height
    })
    return markup`<path class="density ${name}" d="${d}V${plot.bottom}Z"/>`
  })
  const description =
    `Densities of the anomaly scores of feature vectors. Above the threshold ${number(threshold, 4)} lie ` +
    `${percent(view.normalAbove, 2)} of the normal and ${percent(view.anomalousAbove)} of the anomalous ones.`
  const yLabel = y.kind === 'root' ? 'density (square-root scale)' : 'density'
  return svg(
    plot,
    description,
    markup`${xAxis(plot, x, 'anomaly score of a feature vector (pixel)')}${yAxis(plot, { ...y, ticks: [] }, yLabel)}${curves}${thresholdLine(plot, threshold, 'τ =')}`,
    kind,
  )
}

/** Heights are linear unless one peak would flatten the other. */
function heightScale(peaks: readonly number[]): Scale {
  const present = peaks.filter((p) => p > 0)
  const [highest, lowest] = [Math.max(...present), Math.min(...present)]
  return highest / lowest > 4 ? rootScale(highest * 1.05) : linearScale(0, highest * 1.05)
}

/** Fewest bins in view that make a picture. */
const minBins = 8

/** How many times as long as the normal vectors' stretch the whole axis may be. */
const longest = 5

/**
 * The stretch of scores worth drawing, so that a long tail does not squeeze the rest: from where the lower class begins
 * to where all but 0.5 % of the normal and 2 % of the anomalous vectors lie, but no longer than five times what the
 * normal ones take; the threshold always inside.
 * @returns undefined when there are no normal vectors, or too few bins of them to show anything
 */
export function densityView(densities: Densities, threshold: number): DensityView | undefined {
  const { edges, normal, anomalous } = densities
  const start = quantile(edges, normal, 0.0005)
  if (Number.isNaN(start)) return undefined
  const normalEnd = quantile(edges, normal, 0.995)
  const otherStart = quantile(edges, anomalous, 0.0005)
  const otherEnd = quantile(edges, anomalous, 0.98)
  const low = Math.min(start, ...[otherStart, threshold].filter(Number.isFinite))
  const cut = Math.min(low + longest * (normalEnd - low), otherEnd)
  const end = Math.max(normalEnd, ...[cut, threshold].filter(Number.isFinite))
  const high = end + (end - low) * 0.03
  const [first, last] = binsWithin(edges, low, high)
  if (last - first < minBins) return undefined
  return {
    low,
    high,
    normalBeyond: shareAbove(edges, normal, high),
    anomalousBeyond: shareAbove(edges, anomalous, high),
    normalAbove: shareAbove(edges, normal, threshold),
    anomalousAbove: shareAbove(edges, anomalous, threshold),
  }
}

/** The first bin that reaches above `low`, and the first after it that begins at `high` or above. */
function binsWithin(edges: ArrayLike<number>, low: number, high: number): [number, number] {
  let first = 0
  while (edges[first + 1]! <= low) first++
  let last = first
  while (last < edges.length - 1 && edges[last]! < high) last++
  return [first, last]
}

/** Mass of the bins from one on to before another. */
function massOf(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  from = 0,
  to = density.length,
) {
  let mass = 0
  for (let i = from; i < to; i++) mass += density[i]! * (edges[i + 1]! - edges[i]!)
  return mass
}

/** Share of the mass above a score, a bin counted in part where the score lies in it. NaN without mass. */
export function shareAbove(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  score: number,
): number {
  let above = 0
  for (let i = 0; i < density.length; i++)
    above += density[i]! * Math.max(0, edges[i + 1]! - Math.max(edges[i]!, score))
  return above / massOf(edges, density)
}

/** Score below which a share of the mass lies. NaN without mass. */
export function quantile(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  share: number,
): number {
  const total = massOf(edges, density)
  if (!(total > 0)) return NaN
  let sum = 0
  for (let i = 0; i < density.length; i++) {
    const width = edges[i + 1]! - edges[i]!
    const mass = (density[i]! * width) / total
    if (mass > 0 && sum + mass >= share) return edges[i]! + ((share - sum) / mass) * width
    sum += mass
  }
  return edges[density.length]!
}

/** The densities in view, neighbouring bins merged until there are at most `max`. */
export function rebinned(
  { edges, normal, anomalous }: Densities,
  { low, high }: DensityView,
  max: number,
) {
  const [first, last] = binsWithin(edges, low, high)
  const step = Math.max(1, Math.ceil((last - first) / max))
  const merged = { edges: [edges[first]!], normal: [] as number[], anomalous: [] as number[] }
  for (let i = first; i < last; i += step) {
    const to = Math.min(i + step, normal.length)
    const width = edges[to]! - edges[i]!
    merged.edges.push(edges[to]!)
    merged.normal.push(massOf(edges, normal, i, to) / width)
    merged.anomalous.push(massOf(edges, anomalous, i, to) / width)
  }
  return merged
}
