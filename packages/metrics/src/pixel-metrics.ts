import { aurocOf } from './auroc.js'
import { averagePrecisionOf } from './average-precision.js'
import { confusion, requireThreshold, type Confusion } from './confusion.js'
import { rocCurveOf, type ProCurve, type RocCurve } from './curve.js'
import { f1MaxOf, type F1Max } from './f1-max.js'
import { histogramOf, type HistogramOptions, type ScoreHistogram } from './histogram.js'
import { prCurveOf, type PrCurve } from './pr-curve.js'
import { auproOf, proCurveOf } from './pro.js'
import type { ProCurveOptions, ProOptions } from './pro.js'
import { pixelScores, type PixelScores } from './regions.js'
import type { FloatArray } from './scores.js'
import { sortPixels, type SortedPixels } from './sorted-pixels.js'
import { countAtLeast } from './sorted-scores.js'

/**
 * Pixel-level metrics of a test set, gathered image by image.
 *
 * Each image is copied (4 bytes a normal float32 pixel, 8 an anomalous one), so maps and masks may
 * be reused. The first metric asked for sorts all pixels once, with a scratch copy for the time
 * being; the others then take one pass. More images may be added at any time.
 *
 *     const pixels = new PixelMetrics()
 *     for (const { map, mask } of images) pixels.add(map, mask, width, height)
 *     pixels.auroc() // localisation AUROC
 *     pixels.aupro() // to a false-positive rate of 0.3
 */
export class PixelMetrics {
  #parts: PixelScores[] = []
  #sorted: SortedPixels | undefined

  /**
   * Adds one image. Images may differ in size; all-normal images count towards false positives.
   *
   * @param map anomaly map, `map[y·width + x]`, higher is more anomalous
   * @param mask ground truth of the same size, non-zero is anomalous
   * @throws RangeError when the sizes differ or a score is NaN; nothing is added then
   */
  add(map: FloatArray, mask: Uint8Array, width: number, height: number): void {
    this.#parts.push(pixelScores(map, mask, width, height))
    this.#sorted = undefined
  }

  /** Number of normal and anomalous pixels and of 8-connected anomalous regions so far. */
  get counts(): { readonly normal: number; readonly anomalous: number; readonly regions: number } {
    let [normal, anomalous, regions] = [0, 0, 0]
    for (const part of this.#parts) {
      normal += part.normal.length
      anomalous += part.anomalous.scores.length
      regions += part.regions
    }
    return { normal, anomalous, regions }
  }

  /** AUROC over all pixels of all images, as `auroc`; NaN when one class is absent. */
  auroc(): number {
    return aurocOf(this.#pixels().byClass)
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
    return f1MaxOf(this.#pixels().byClass)
  }

  /** Average precision over all pixels, as `averagePrecision`. */
  averagePrecision(): number {
    return averagePrecisionOf(this.#pixels().byClass)
  }

  /** Confusion matrix over all pixels: predicted anomalous is score ≥ threshold. */
  confusionAt(threshold: number): Confusion {
    requireThreshold(threshold)
    const { normal, anomalous } = this.#pixels().byClass
    const tp = countAtLeast(anomalous, threshold)
    return confusion(tp, countAtLeast(normal, threshold), normal.length, anomalous.length)
  }

  /** ROC curve over all pixels, as `rocCurve`. */
  rocCurve(maxPoints = 1000): RocCurve {
    return rocCurveOf(this.#pixels().byClass, maxPoints)
  }

  /** Precision–recall curve over all pixels, as `prCurve`. */
  prCurve(maxPoints = 1000): PrCurve {
    return prCurveOf(this.#pixels().byClass, maxPoints)
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
    return histogramOf(this.#pixels().byClass, options)
  }

  #pixels(): SortedPixels {
    if (this.#sorted === undefined) {
      this.#sorted = sortPixels(this.#parts)
      this.#parts = [this.#sorted]
    }
    return this.#sorted
  }
}
