import { prCurveOf, rocCurveOf, type PrCurve, type RocCurve } from './curves.js'
import { histogramOf, type HistogramOptions, type ScoreHistogram } from './histogram.js'
import { addToBins, binEdge, binnedRanking, noBins, type PixelBins } from './pixel-bins.js'
import {
  auproOf,
  coveredFrom,
  proCurveOf,
  type PixelRanking,
  type ProCurve,
  type ProCurveOptions,
  type ProOptions,
} from './pro.js'
import { indexAbove } from './ranking.js'
import {
  aurocOf,
  averagePrecisionOf,
  confusionOf,
  doubledArea,
  f1MaxOf,
  tiesOf,
  type Confusion,
  type F1Max,
} from './rates.js'
import { pixelScores, type PixelScores, type RegionScores } from './regions.js'
import { concatScores, requireInteger, type FloatArray } from './scores.js'
import { argsort, sortScores } from './sort.js'

/** Pixels up to which metrics are exact by default: 268 MB of float32. */
const exactByDefault = 2 ** 26

/** The pixels of one group of images. */
interface Group {
  /** While metrics are exact: image by image, or all together and sorted. */
  parts: PixelScores[]
  sorted: boolean
  /** From then on. */
  readonly bins: PixelBins
}

/**
 * Pixel-level metrics of a test set, gathered image by image.
 *
 * Up to `exactUpTo` pixels each image is copied (4 bytes a normal float32 pixel, 8 an anomalous one), so maps and masks
 * may be reused. The first metric asked for sorts all pixels once, with a scratch copy for the time being; the others
 * then take one pass. With groups the pixels are kept twice, however many groups there are.
 *
 * Beyond that, scores are counted in bins of 2⁻¹⁵ of their size, and memory no longer grows with the images. Every
 * metric is then the exact one of scores rounded down to the edge of their bin; `aurocError` says how far AUROC can be
 * off. More images may be added at any time.
 *
 *     const pixels = new PixelMetrics()
 *     for (const { map, mask } of images) pixels.add(map, mask, width, height)
 *     pixels.auroc() // localisation AUROC
 *     pixels.aupro() // to a false-positive rate of 0.3
 */
export class PixelMetrics {
  readonly #exactUpTo: number
  readonly #groups = new Map<string, Group>()
  #counts = { normal: 0, anomalous: 0, regions: 0 }
  #ranking: PixelRanking | undefined

  /** @param options.exactUpTo pixels up to which every metric is exact; with more, scores are counted in bins; 2²⁶ */
  constructor({ exactUpTo = exactByDefault }: { readonly exactUpTo?: number } = {}) {
    requireInteger('exactUpTo', exactUpTo, 0)
    this.#exactUpTo = exactUpTo
  }

  /**
   * Adds one image. Images may differ in size; all-normal images count towards false positives.
   *
   * @param map anomaly map, `map[y·width + x]`, higher is more anomalous
   * @param mask ground truth of the same size, non-zero is anomalous
   * @param group what the image belongs to, such as its type of defect; see `auroc`
   * @throws RangeError when the sizes differ or a score is NaN; nothing is added then
   */
  add(map: FloatArray, mask: Uint8Array, width: number, height: number, group = ''): void {
    const scores = pixelScores(map, mask, width, height)
    const { normal, anomalous, regions } = this.#counts
    this.#counts = {
      normal: normal + scores.normal.length,
      anomalous: anomalous + scores.anomalous.scores.length,
      regions: regions + scores.regions,
    }
    this.#ranking = undefined
    const own = this.#groups.get(group) ?? { parts: [], sorted: false, bins: noBins() }
    this.#groups.set(group, own)
    own.parts.push(scores)
    own.sorted = false
    if (this.exact) return
    for (const each of this.#groups.values()) {
      for (const part of each.parts) addToBins(each.bins, part)
      each.parts = []
    }
  }

  /** Whether metrics are exact, not those of scores rounded to bins. */
  get exact(): boolean {
    return this.#counts.normal + this.#counts.anomalous <= this.#exactUpTo
  }

  /** Number of normal and anomalous pixels and of 8-connected anomalous regions so far. */
  get counts(): { readonly normal: number; readonly anomalous: number; readonly regions: number } {
    return this.#counts
  }

  /**
   * AUROC over all pixels of all images, as `auroc`; NaN when one class is absent.
   *
   * @param groups only over the images of these groups: with the good ones and one type of defect, how well that type
   *   is found. Costs one pass and no copies.
   */
  auroc(groups?: readonly string[]): number {
    if (groups === undefined) return aurocOf(this.#pixels())
    const chosen = [...new Set(groups)].flatMap((name) => this.#groups.get(name) ?? [])
    if (!this.exact) return aurocOf(binnedRanking(chosen.map(({ bins }) => bins)))
    // the Mann–Whitney statistics of the groups' pairs add up
    const sets = chosen.map(sortedGroup)
    let [area, normals, anomalies] = [0, 0, 0]
    for (const { normal, anomalous } of sets) {
      normals += normal.length
      anomalies += anomalous.scores.length
      if (anomalous.scores.length === 0) continue
      for (const other of sets) area += doubledArea({ normal: { scores: other.normal }, anomalous })
    }
    return area / 2 / (normals * anomalies)
  }

  /**
   * The most that `auroc` over all pixels can differ from the exact one: half the share of the pairs of a normal and an
   * anomalous pixel that share a bin. 0 while metrics are exact, NaN when one class is absent.
   */
  aurocError(): number {
    const { normal, anomalous } = this.#counts
    if (normal === 0 || anomalous === 0) return NaN
    return this.exact ? 0 : tiesOf(this.#pixels()) / 2
  }

  /**
   * Area under the per-region overlap curve, in [0, 1] (Bergmann et al. 2021, "The MVTec anomaly
   * detection dataset"; the paper's AUPRO, section 5): the mean over all 8-connected regions of all
   * masks of the share predicted anomalous, against the false-positive rate over all normal pixels of
   * all images, integrated from 0 to `limit` and divided by it. Exact over all thresholds unless
   * another protocol is asked for.
   *
   * NaN without regions or without normal pixels, and for `cflow-ad` when no two false-positive rates
   * up to the limit differ. `cflow-ad` can exceed 1, since holes count only in the numerator.
   *
   * @throws RangeError when the limit is not in (0, 1] or an option is out of range
   */
  aupro(limit = 0.3, options: ProOptions = {}): number {
    return auproOf(this.#pixels(), limit, options)
  }

  /** Best F1 over all pixels and its threshold, as `f1Max`. */
  f1Max(): F1Max {
    return f1MaxOf(this.#pixels())
  }

  /** Average precision over all pixels, as `averagePrecision`. */
  averagePrecision(): number {
    return averagePrecisionOf(this.#pixels())
  }

  /** Confusion matrix over all pixels: predicted anomalous is score ≥ threshold (in bins, the edge of its bin). */
  confusionAt(threshold: number): Confusion {
    const binned = !this.exact && !Number.isNaN(threshold)
    return confusionOf(this.#pixels(), binned ? binEdge(threshold) : threshold)
  }

  /** ROC curve over all pixels, as `rocCurve`. */
  rocCurve(maxPoints = 1000): RocCurve {
    return rocCurveOf(this.#pixels(), maxPoints)
  }

  /** Precision–recall curve over all pixels, as `prCurve`. */
  prCurve(maxPoints = 1000): PrCurve {
    return prCurveOf(this.#pixels(), maxPoints)
  }

  /**
   * The per-region overlap curve for plotting. The exact one is thinned as `rocCurve` is, and ends at
   * the limit; a sampled protocol gives its own points. Overlaps are NaN without regions.
   *
   * @throws RangeError when an option is out of range
   */
  proCurve(options: ProCurveOptions = {}): ProCurve {
    return proCurveOf(this.#pixels(), options)
  }

  /** Densities of normal and anomalous pixels over shared bins, as `scoreHistogram`. */
  scoreHistogram(options: HistogramOptions = {}): ScoreHistogram {
    return histogramOf(this.#pixels(), options)
  }

  #pixels(): PixelRanking {
    const groups = [...this.#groups.values()]
    this.#ranking ??= this.exact
      ? exactRanking(groups)
      : binnedRanking(groups.map(({ bins }) => bins))
    return this.#ranking
  }
}

/** The pixels of a group sorted; they replace its parts. */
function sortedGroup(group: Group): PixelScores {
  if (!group.sorted) {
    group.parts = [sortPixels(group.parts)]
    group.sorted = true
  }
  return group.parts[0]!
}

/** Joins and sorts the pixels of several images, or of sorted sets. */
function sortPixels(parts: readonly PixelScores[]): PixelScores {
  return {
    normal: sortScores(concatScores(parts.map((part) => part.normal))),
    anomalous: sortRegionScores(parts.map((part) => part.anomalous)),
    holes: sortRegionScores(parts.map((part) => part.holes)),
    regions: parts.reduce((sum, part) => sum + part.regions, 0),
  }
}

function sortRegionScores(parts: readonly RegionScores[]): RegionScores {
  const all = concatScores(parts.map((part) => part.scores))
  const order = argsort(all)
  const allAreas = new Uint32Array(order.length)
  let offset = 0
  for (const { areas } of parts) {
    allAreas.set(areas, offset)
    offset += areas.length
  }
  const scores = all.slice()
  order.forEach((from, i) => {
    scores[i] = all[from]!
  })
  return { scores, areas: order.map((from) => allAreas[from]!) }
}

/** All pixels as a ranking. */
function exactRanking(groups: readonly Group[]): PixelRanking {
  const [only] = groups
  const { normal, anomalous, holes, regions } =
    groups.length === 1 ? sortedGroup(only!) : sortPixels(groups.flatMap(({ parts }) => parts))
  const covered = coveredFrom(anomalous.areas)
  const inHoles = coveredFrom(holes.areas)
  return {
    normal: { scores: normal },
    anomalous,
    regions,
    covered,
    filledOverlapAbove: (threshold) =>
      covered[indexAbove(anomalous.scores, threshold)]! / regions +
      inHoles[indexAbove(holes.scores, threshold)]! / regions,
  }
}
