import { edgeOf, keyOf } from './float-bins.js'
import type { RegionScores, PixelScores } from './regions.js'
import type { FloatArray } from './scores.js'

/** Bins are kept in pages of 2⁹ that exist where scores fall. */
const pageBits = 9
const pageSize = 1 << pageBits
const binBits = 24

/** Counts of the scores in neighbouring bins; those of anomalous pixels exist once there is one. */
interface Page {
  readonly normal: Float64Array
  anomalous?: Regional
  holes?: Float64Array
}

interface Regional {
  readonly count: Float64Array
  /** Σ 1 / area of the region, over the anomalous pixels of a bin. */
  readonly share: Float64Array
}

/** Bins that hold anything, ascending by their lower edge. */
export interface FilledBins {
  readonly edges: Float64Array
  readonly normal: Float64Array
  readonly anomalous: Float64Array
  readonly share: Float64Array
  readonly holes: Float64Array
  readonly regions: number
}

/**
 * Counts of pixel scores in bins: memory is bounded by the spread of the scores, not by their number. A bin holds the
 * float32 scores that share sign, exponent and the first 15 bits of the mantissa (the width is 2⁻¹⁵ of the score or
 * less); it stands for its lower edge. So every metric is the exact one of scores that were rounded down to an edge.
 */
export class PixelBins {
  readonly #pages: (Page | undefined)[] = new Array<undefined>(1 << (binBits - pageBits))
  /** Places of the pages that exist. */
  readonly #filled: number[] = []
  #regions = 0
  #normalCount = 0
  #anomalousCount = 0

  add({ normal, anomalous, holes, regions }: PixelScores): void {
    const keys = keysOf(normal)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      this.#page(key).normal[key & (pageSize - 1)]!++
    }
    this.#addRegional(anomalous)
    const holeKeys = keysOf(holes.scores)
    for (let i = 0; i < holeKeys.length; i++) {
      const key = holeKeys[i]!
      const counts = (this.#page(key).holes ??= new Float64Array(pageSize))
      counts[key & (pageSize - 1)]! += 1 / holes.areas[i]!
    }
    this.#regions += regions
    this.#normalCount += normal.length
    this.#anomalousCount += anomalous.scores.length
  }

  get counts(): { readonly normal: number; readonly anomalous: number; readonly regions: number } {
    return {
      normal: this.#normalCount,
      anomalous: this.#anomalousCount,
      regions: this.#regions,
    }
  }

  /** The bins of several test sets together that hold anything. */
  static filled(parts: readonly PixelBins[]): FilledBins {
    const [edges, normal, anomalous, share, holes]: [number[], ...number[][]] = [[], [], [], [], []]
    const filled = new Set(parts.flatMap((part) => part.#filled))
    for (const p of [...filled].sort((a, b) => a - b)) {
      const pages = parts.flatMap((part) => part.#pages[p] ?? [])
      for (let i = 0; i < pageSize; i++) {
        let [n, a, s, h] = [0, 0, 0, 0]
        for (const page of pages) {
          n += page.normal[i]!
          a += page.anomalous?.count[i] ?? 0
          s += page.anomalous?.share[i] ?? 0
          h += page.holes?.[i] ?? 0
        }
        if (n === 0 && a === 0) continue
        edges.push(edgeOf(p * pageSize + i))
        normal!.push(n)
        anomalous!.push(a)
        share!.push(s)
        holes!.push(h)
      }
    }
    return {
      edges: Float64Array.from(edges),
      normal: Float64Array.from(normal!),
      anomalous: Float64Array.from(anomalous!),
      share: Float64Array.from(share!),
      holes: Float64Array.from(holes!),
      regions: parts.reduce((sum, part) => sum + part.#regions, 0),
    }
  }

  #addRegional({ scores, areas }: RegionScores): void {
    const keys = keysOf(scores)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const { count, share } = (this.#page(key).anomalous ??= {
        count: new Float64Array(pageSize),
        share: new Float64Array(pageSize),
      })
      count[key & (pageSize - 1)]!++
      share[key & (pageSize - 1)]! += 1 / areas[i]!
    }
  }

  #page(key: number): Page {
    const place = key >>> pageBits
    return this.#pages[place] ?? this.#newPage(place)
  }

  #newPage(place: number): Page {
    const page: Page = { normal: new Float64Array(pageSize) }
    this.#pages[place] = page
    this.#filled.push(place)
    return page
  }
}

function keysOf(scores: FloatArray): Uint32Array {
  const keys = new Uint32Array(Float32Array.from(scores).buffer)
  for (let i = 0; i < keys.length; i++) keys[i] = keyOf(keys[i]!)
  return keys
}
