import { indexAbove } from './ranking.js'
import { sumsFrom, type PixelRanking } from './pro.js'
import type { PixelScores } from './regions.js'
import type { FloatArray } from './scores.js'

const droppedBits = 8
/** Bins are kept in pages of 2⁹ that exist where scores fall. */
const pageBits = 9
const pageSize = 1 << pageBits
const pageCount = 1 << (32 - droppedBits - pageBits)
const cells = 4

const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

/** Bin of a float32 given by its bits; bins have the order of the numbers, and −0 falls where 0 does. */
function keyOf(bits: number): number {
  const b = bits === 0x80000000 ? 0 : bits | 0
  return (b ^ ((b >> 31) | 0x80000000)) >>> droppedBits
}

/** Lowest number of a bin. */
function edgeOf(key: number): number {
  const k = (key << droppedBits) | 0
  word[0] = k ^ (~(k >> 31) | 0x80000000)
  // the bin of −∞ begins below it, where the bits stand for no number
  return Number.isNaN(single[0]) ? -Infinity : single[0]!
}

/** A number rounded to float32, then down to the lowest number of its bin. */
export function binEdge(score: number): number {
  single[0] = score
  return edgeOf(keyOf(word[0]!))
}

/**
 * Pixel scores counted in bins: memory is bounded by the spread of the scores, not by their number. A bin holds the
 * float32 scores that share sign, exponent and the first 15 bits of the mantissa (the width is 2⁻¹⁵ of the score or
 * less); it stands for its lower edge. So every metric is the exact one of scores that were rounded down to an edge.
 */
export interface PixelBins {
  /**
   * `cells` numbers a bin: how many normal and anomalous scores there are, Σ 1 / area of the regions of the anomalous
   * ones, and the same of the pixels in holes.
   */
  readonly pages: (Float64Array | undefined)[]
  regions: number
}

export const noBins = (): PixelBins => ({ pages: new Array<undefined>(pageCount), regions: 0 })

export function addToBins(bins: PixelBins, pixels: PixelScores): void {
  const add = (scores: FloatArray, cell: number, areas?: Uint32Array): void => {
    const bits = new Uint32Array(Float32Array.from(scores).buffer)
    for (let i = 0; i < bits.length; i++) {
      const key = keyOf(bits[i]!)
      const page = (bins.pages[key >>> pageBits] ??= new Float64Array(cells * pageSize))
      page[cells * (key & (pageSize - 1)) + cell]! += areas ? 1 / areas[i]! : 1
    }
  }
  const { normal, anomalous, holes, regions } = pixels
  add(normal, 0)
  add(anomalous.scores, 1)
  add(anomalous.scores, 2, anomalous.areas)
  add(holes.scores, 3, holes.areas)
  bins.regions += regions
}

/** The bins of several test sets together as a ranking: each score counts as the lower edge of its bin. */
export function binnedRanking(parts: readonly PixelBins[]): PixelRanking {
  const edges: number[] = []
  const columns = Array.from({ length: cells }, (): number[] => [])
  for (let number = 0; number < pageCount; number++) {
    const pages = parts.flatMap((part) => part.pages[number] ?? [])
    for (let bin = 0; bin < pageSize && pages.length > 0; bin++) {
      const sums = columns.map((_, cell) =>
        pages.reduce((sum, page) => sum + page[cells * bin + cell]!, 0),
      )
      if (sums[0] === 0 && sums[1] === 0) continue
      edges.push(edgeOf(number * pageSize + bin))
      columns.forEach((column, cell) => column.push(sums[cell]!))
    }
  }
  const scores = Float64Array.from(edges)
  const [normal, anomalous, covered, holes] = columns.map((column) =>
    sumsFrom(Float64Array.from(column)),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array]
  const regions = parts.reduce((sum, part) => sum + part.regions, 0)
  return {
    normal: { scores, counts: normal },
    anomalous: { scores, counts: anomalous },
    regions,
    covered,
    filledOverlapAbove(threshold) {
      const i = indexAbove(scores, threshold)
      return (covered[i]! + holes[i]!) / regions
    },
  }
}
