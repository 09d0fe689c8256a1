import { doubledArea } from './auroc.js'
import { binnedRankingOf } from './binned-pixels.js'
import { PixelBins } from './pixel-bins.js'
import type { PixelScores } from './regions.js'
import { sortPixels, type SortedPixels } from './sorted-pixels.js'
import { rankingOf } from './sorted-scores.js'

/** The pixels of one group of images: all of them, or their bins. */
export class PixelGroup {
  #parts: PixelScores[] = []
  #sorted: SortedPixels | undefined
  #bins: PixelBins | undefined

  add(scores: PixelScores): void {
    if (this.#bins) this.#bins.add(scores)
    else this.#parts.push(scores)
    this.#sorted = undefined
  }

  get counts(): { readonly normal: number; readonly anomalous: number; readonly regions: number } {
    if (this.#bins) return this.#bins.counts
    let [normal, anomalous, regions] = [0, 0, 0]
    for (const part of this.#parts) {
      normal += part.normal.length
      anomalous += part.anomalous.scores.length
      regions += part.regions
    }
    return { normal, anomalous, regions }
  }

  /** The pixels, as they were added or sorted; none once they are in bins. */
  get parts(): readonly PixelScores[] {
    return this.#parts
  }

  /** The pixels sorted; they replace the parts. */
  sorted(): SortedPixels {
    if (!this.#sorted) {
      this.#sorted = sortPixels(this.#parts)
      this.#parts = [this.#sorted]
    }
    return this.#sorted
  }

  /** The pixels in bins; from now on they are kept in no other form. */
  bin(): PixelBins {
    if (!this.#bins) {
      this.#bins = new PixelBins()
      for (const part of this.#parts) this.#bins.add(part)
      this.#parts = []
      this.#sorted = undefined
    }
    return this.#bins
  }

  get binned(): boolean {
    return this.#bins !== undefined
  }
}

/** AUROC over the pixels of some groups: the Mann–Whitney statistics of their pairs add up. */
export function aurocOfGroups(groups: readonly PixelGroup[]): number {
  if (groups.some((group) => group.binned)) {
    const ranking = binnedRankingOf(PixelBins.filled(groups.map((group) => group.bin())))
    return doubledArea(ranking) / 2 / (ranking.normalCount * ranking.anomalousCount)
  }
  let [area, normals, anomalies] = [0, 0, 0]
  for (const own of groups) {
    const { counts } = own
    normals += counts.normal
    anomalies += counts.anomalous
    if (counts.anomalous === 0) continue
    const anomalous = own.sorted().anomalous.scores
    for (const other of groups)
      area += doubledArea(rankingOf({ normal: other.sorted().normal, anomalous }))
  }
  return area / 2 / (normals * anomalies)
}
