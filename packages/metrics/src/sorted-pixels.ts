import { histogramOf } from './histogram.js'
import type { PixelRanking } from './pixel-ranking.js'
import type { PixelScores, RegionScores } from './regions.js'
import { concatScores } from './scores.js'
import { argsort, sortScores } from './sort.js'
import { countAbove, countAtLeast, rankingOf } from './sorted-scores.js'

/** Pixel scores of a whole test set, each array ascending. */
export interface SortedPixels extends PixelScores {
  /** `overlap[k]`: mean over regions of the share covered by the k highest anomalous scores. */
  readonly overlap: Float64Array
  /** `holeOverlap[k]`: what the k highest scores in holes add when they count as covered too. */
  readonly holeOverlap: Float64Array
}

/** Joins and sorts the pixels of several images, or of sorted sets. */
export function sortPixels(parts: readonly PixelScores[]): SortedPixels {
  const regions = parts.reduce((sum, part) => sum + part.regions, 0)
  const normal = sortScores(concatScores(parts.map((part) => part.normal)))
  const anomalous = sortRegionScores(parts.map((part) => part.anomalous))
  const holes = sortRegionScores(parts.map((part) => part.holes))
  return {
    normal,
    anomalous,
    holes,
    regions,
    overlap: meanOverlap(anomalous, regions),
    holeOverlap: meanOverlap(holes, regions),
  }
}

function sortRegionScores(parts: readonly RegionScores[]): RegionScores {
  const scores = concatScores(parts.map((part) => part.scores))
  const areas = new Uint32Array(scores.length)
  let offset = 0
  for (const part of parts) {
    areas.set(part.areas, offset)
    offset += part.areas.length
  }
  const order = argsort(scores)
  const sorted = scores.slice()
  const sortedAreas = new Uint32Array(order.length)
  for (let i = 0; i < order.length; i++) {
    sorted[i] = scores[order[i]!]!
    sortedAreas[i] = areas[order[i]!]!
  }
  return { scores: sorted, areas: sortedAreas }
}

function meanOverlap({ areas }: RegionScores, regions: number): Float64Array {
  const overlap = new Float64Array(areas.length + 1)
  let sum = 0
  for (let k = 1; k < overlap.length; k++) {
    sum += 1 / areas[areas.length - k]!
    overlap[k] = sum / regions
  }
  return overlap
}

/** Sorted pixels as a ranking. */
export function pixelRankingOf(pixels: SortedPixels): PixelRanking {
  const { normal, anomalous, holes, regions, overlap, holeOverlap } = pixels
  const byClass = { normal, anomalous: anomalous.scores }
  const overlapAbove = (threshold: number): number =>
    overlap[countAbove(anomalous.scores, threshold)]!
  return {
    ...rankingOf(byClass),
    regions,
    lowest: Math.min(normal[0] ?? Infinity, anomalous.scores[0] ?? Infinity),
    highest: Math.max(normal.at(-1) ?? -Infinity, anomalous.scores.at(-1) ?? -Infinity),
    overlapAt: (truePositives) => overlap[truePositives]!,
    overlapAbove,
    filledOverlapAbove: (threshold) =>
      overlapAbove(threshold) + holeOverlap[countAbove(holes.scores, threshold)]!,
    normalAbove: (threshold) => countAbove(normal, threshold),
    normalAt: (rank) => normal[rank]!,
    atLeast: (threshold) => ({
      normal: countAtLeast(normal, threshold),
      anomalous: countAtLeast(anomalous.scores, threshold),
    }),
    histogram: (options) => histogramOf(byClass, options),
  }
}
