import { aurocOf } from './auroc.js'
import { averagePrecisionOf } from './average-precision.js'
import { aurocErrorOf, binnedRankingOf } from './binned-pixels.js'
import { confusion, requireThreshold, type Confusion } from './confusion.js'
import { rocCurveOf, type ProCurve, type RocCurve } from './curve.js'
import { f1MaxOf, type F1Max } from './f1-max.js'
import type { HistogramOptions, ScoreHistogram } from './histogram.js'
import { PixelBins } from './pixel-bins.js'
import { aurocOfGroups, PixelGroup } from './pixel-group.js'
import type { PixelRanking } from './pixel-ranking.js'
import { prCurveOf, type PrCurve } from './pr-curve.js'
import { auproOf, proCurveOf } from './pro.js'
import type { ProCurveOptions, ProOptions } from './pro.js'
import { pixelScores } from './regions.js'
import { requireInteger, type FloatArray } from './scores.js'
import { pixelRankingOf, sortPixels } from './sorted-pixels.js'

/** Pixels up to which metrics are exact by default: 268 MB of float32. */
const exactByDefault = 2 ** 26

export interface PixelMetricsOptions {
  /** Pixels up to which every metric is exact; with more, scores are counted in bins. Default 2²⁶. */
  readonly exactUpTo?: number
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
  readonly #groups = new Map<string, PixelGroup>()
  #pixelCount = 0
  #ranking: PixelRanking | undefined

  constructor({ exactUpTo = exactByDefault }: PixelMetricsOptions = {}) {
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
    const own = this.#groups.get(group) ?? new PixelGroup()
    this.#groups.set(group, own)
    own.add(scores)
    this.#pixelCount += map.length
    this.#ranking = undefined
    if (!this.exact) for (const each of this.#groups.values()) each.bin()
  }

  /** Whether metrics are exact, not those of scores rounded to bins. */
  get exact(): boolean {
    return this.#pixelCount <= this.#exactUpTo
  }

  /** Number of normal and anomalous pixels and of 8-connected anomalous regions so far. */
  get counts(): { readonly normal: number; readonly anomalous: number; readonly regions: number } {
    let [normal, anomalous, regions] = [0, 0, 0]
    for (const { counts } of this.#groups.values()) {
      normal += counts.normal
      anomalous += counts.anomalous
      regions += counts.regions
    }
    return { normal, anomalous, regions }
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
    return aurocOfGroups(chosen)
  }

  /**
   * The most that `auroc` over all pixels can differ from the exact one: half the share of the pairs of a normal and an
   * anomalous pixel that share a bin. 0 while metrics are exact, NaN when one class is absent.
   */
  aurocError(): number {
    const { normal, anomalous } = this.counts
    if (normal === 0 || anomalous === 0) return NaN
    return this.exact ? 0 : aurocErrorOf(PixelBins.filled(this.#bins()))
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
    requireThreshold(threshold)
    const ranking = this.#pixels()
    const { normal, anomalous } = ranking.atLeast(threshold)
    return confusion(anomalous, normal, ranking.normalCount, ranking.anomalousCount)
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
    return this.#pixels().histogram(options)
  }

  #pixels(): PixelRanking {
    this.#ranking ??= this.exact ? this.#sorted() : binnedRankingOf(PixelBins.filled(this.#bins()))
    return this.#ranking
  }

  #sorted(): PixelRanking {
    const groups = [...this.#groups.values()]
    const [only] = groups
    const whole = groups.length === 1 ? only!.sorted() : sortPixels(groups.flatMap((g) => g.parts))
    return pixelRankingOf(whole)
  }

  #bins(): readonly PixelBins[] {
    return [...this.#groups.values()].map((group) => group.bin())
  }
}
