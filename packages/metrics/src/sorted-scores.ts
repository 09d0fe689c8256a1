import { splitByLabel, type FloatArray, type Labels, type Scores } from './scores.js'
import type { Ranking, Walk } from './ranking.js'
import { sortScores } from './sort.js'

/** The scores of each class, ascending. */
export interface SortedScores {
  readonly normal: FloatArray
  readonly anomalous: FloatArray
}

/**
 * Splits scores by label and sorts each class.
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function sortByLabel(scores: Scores, labels: Labels): SortedScores {
  const { normal, anomalous } = splitByLabel(scores, labels)
  return { normal: sortScores(normal), anomalous: sortScores(anomalous) }
}

/** Scores by label as a ranking; as `sortByLabel`. */
export function rankByLabel(scores: Scores, labels: Labels): Ranking {
  return rankingOf(sortByLabel(scores, labels))
}

/** Sorted scores as a ranking. */
export function rankingOf(sorted: SortedScores): Ranking {
  return {
    normalCount: sorted.normal.length,
    anomalousCount: sorted.anomalous.length,
    walk: () => new ThresholdWalk(sorted),
  }
}

class ThresholdWalk implements Walk {
  threshold = Infinity
  truePositives = 0
  falsePositives = 0
  readonly #normal: FloatArray
  readonly #anomalous: FloatArray
  #normalLeft: number
  #anomalousLeft: number

  constructor(sorted: SortedScores) {
    this.#normal = sorted.normal
    this.#anomalous = sorted.anomalous
    this.#normalLeft = sorted.normal.length
    this.#anomalousLeft = sorted.anomalous.length
  }

  next(): boolean {
    const normal = this.#normal
    const anomalous = this.#anomalous
    let n = this.#normalLeft
    let a = this.#anomalousLeft
    if (n === 0 && a === 0) return false
    const topNormal = n > 0 ? normal[n - 1]! : -Infinity
    const topAnomalous = a > 0 ? anomalous[a - 1]! : -Infinity
    const threshold = topNormal > topAnomalous ? topNormal : topAnomalous
    while (n > 0 && normal[n - 1] === threshold) n--
    while (a > 0 && anomalous[a - 1] === threshold) a--
    this.#normalLeft = n
    this.#anomalousLeft = a
    this.threshold = threshold
    this.truePositives = anomalous.length - a
    this.falsePositives = normal.length - n
    return true
  }
}

/** How many of the ascending scores are > `threshold` (binary search). */
export function countAbove(ascending: FloatArray, threshold: number): number {
  return ascending.length - partition(ascending, (score) => score <= threshold)
}

/** How many of the ascending scores are ≥ `threshold` (binary search). */
export function countAtLeast(ascending: FloatArray, threshold: number): number {
  return ascending.length - partition(ascending, (score) => score < threshold)
}

/** Length of the leading run for which `holds`. */
function partition(ascending: FloatArray, holds: (score: number) => boolean): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(ascending[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}
