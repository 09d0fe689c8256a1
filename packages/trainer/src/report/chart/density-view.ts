import type { ReportHistogram } from '../input.js'

/** How the histogram is cut for drawing, and what lies where. */
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

/** Fewest bins in view that make a picture. */
const fewestBins = 8

/** How many times as long as the normal vectors' stretch the whole axis may be. */
const longest = 5

/**
 * The stretch of scores worth drawing, so that a long tail does not squeeze the rest: from where the lower class begins
 * to where all but 0.5 % of the normal and 2 % of the anomalous vectors lie, but no longer than five times what the
 * normal ones take; the threshold always inside.
 * @returns undefined when the histogram has no normal vectors, or too few bins there to show anything
 */
export function densityView(
  histogram: ReportHistogram,
  threshold: number,
): DensityView | undefined {
  const { edges, normal, anomalous } = histogram
  const start = quantile(edges, normal, 0.0005)
  if (Number.isNaN(start)) return undefined
  const normalEnd = quantile(edges, normal, 0.995)
  const otherStart = quantile(edges, anomalous, 0.0005)
  const otherEnd = quantile(edges, anomalous, 0.98)
  const low = Math.min(start, ...[otherStart, threshold].filter(Number.isFinite))
  const cut = Math.min(low + longest * (normalEnd - low), otherEnd)
  const end = Math.max(normalEnd, ...[cut, threshold].filter(Number.isFinite))
  const high = end + (end - low) * 0.03
  let bins = 0
  for (let i = 0; i < normal.length; i++) if (edges[i + 1]! > low && edges[i]! < high) bins++
  if (bins < fewestBins) return undefined
  return {
    low,
    high,
    normalBeyond: shareAbove(edges, normal, high),
    anomalousBeyond: shareAbove(edges, anomalous, high),
    normalAbove: shareAbove(edges, normal, threshold),
    anomalousAbove: shareAbove(edges, anomalous, threshold),
  }
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

/** Score below which a share of the mass lies. NaN without mass. */
export function quantile(
  edges: ArrayLike<number>,
  density: ArrayLike<number>,
  share: number,
): number {
  let total = 0
  for (let i = 0; i < density.length; i++) total += density[i]! * (edges[i + 1]! - edges[i]!)
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

/** The part of the histogram in view, neighbouring bins merged until there are at most `most`. */
export function rebinned(
  histogram: ReportHistogram,
  { low, high }: DensityView,
  most: number,
): ReportHistogram {
  const { edges, normal, anomalous } = histogram
  let first = 0
  while (edges[first + 1]! <= low) first++
  let last = first
  while (last < normal.length && edges[last]! < high) last++
  const step = Math.max(1, Math.ceil((last - first) / most))
  const merged = { edges: [edges[first]!], normal: [] as number[], anomalous: [] as number[] }
  for (let i = first; i < last; i += step) {
    const to = Math.min(i + step, normal.length)
    const width = edges[to]! - edges[i]!
    const mean = (density: ArrayLike<number>) => {
      let mass = 0
      for (let j = i; j < to; j++) mass += density[j]! * (edges[j + 1]! - edges[j]!)
      return mass / width
    }
    merged.edges.push(edges[to]!)
    merged.normal.push(mean(normal))
    merged.anomalous.push(mean(anomalous))
  }
  return merged
}
