import { splitByLabel, type FloatArray, type Labels, type Scores } from './scores.js'
import { sortScores } from './sort.js'

/** The scores of one class, ascending. */
export interface Ascending {
  readonly scores: FloatArray
  /**
   * `counts[i]`: how many scores there are from index i on, one longer than `scores`, where each stands for several
   * (bins). Absent where each stands for itself.
   */
  readonly counts?: Float64Array
}

/** The scores of both classes in order: all that the threshold metrics need. */
export interface Ranking {
  readonly normal: Ascending
  readonly anomalous: Ascending
}

/**
 * Splits scores by label and sorts each class.
 * @throws RangeError when the lengths differ or a score is NaN
 */
export function rankByLabel(scores: Scores, labels: Labels): Ranking {
  const { normal, anomalous } = splitByLabel(scores, labels)
  return { normal: { scores: sortScores(normal) }, anomalous: { scores: sortScores(anomalous) } }
}

/** How many scores there are from an index on; all of them without an index. */
export function countFrom({ scores, counts }: Ascending, index = 0): number {
  return counts ? counts[index]! : scores.length - index
}

/** Index of the first of the ascending scores that is > `threshold`. */
export function indexAbove(ascending: FloatArray, threshold: number): number {
  return leadingRun(ascending.length, (i) => ascending[i]! <= threshold)
}

/** How many scores are > `threshold`. */
export function countAbove(ascending: Ascending, threshold: number): number {
  return countFrom(ascending, indexAbove(ascending.scores, threshold))
}

/** How many scores are ≥ `threshold`. */
export function countAtLeast(ascending: Ascending, threshold: number): number {
  const { scores } = ascending
  return countFrom(
    ascending,
    leadingRun(scores.length, (i) => scores[i]! < threshold),
  )
}

/** Length of the leading run of indices for which `holds`, by bisection. */
export function leadingRun(length: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}

/** Lowest and highest score; ∞ and −∞ without any. */
export function extremes({ normal: { scores: n }, anomalous: { scores: a } }: Ranking) {
  const low = Math.min(n[0] ?? Infinity, a[0] ?? Infinity)
  const high = Math.max(n.at(-1) ?? -Infinity, a.at(-1) ?? -Infinity)
  return { low, high }
}

/** Where a walk through the thresholds is; before the first `next` nothing is predicted anomalous. */
export interface Walk {
  readonly threshold: number
  readonly truePositives: number
  readonly falsePositives: number
  /** Index of the lowest anomalous score that is ≥ the threshold. */
  readonly anomalousFrom: number
  /** Moves to the next lower threshold; false when none is left. */
  next(): boolean
}

/**
 * Visits every distinct score as a threshold, from the highest down. A score is predicted anomalous when it is ≥ the
 * threshold, so ties are always taken together.
 *
 *     const walk = walkDown(ranking)
 *     while (walk.next()) use(walk.threshold, walk.truePositives, walk.falsePositives)
 */
export function walkDown({ normal, anomalous }: Ranking): Walk {
  const { scores: normals } = normal
  const { scores: anomalies } = anomalous
  let n = normals.length
  let a = anomalies.length
  const walk = {
    threshold: Infinity,
    truePositives: 0,
    falsePositives: 0,
    anomalousFrom: a,
    next() {
      if (n === 0 && a === 0) return false
      const topNormal = n > 0 ? normals[n - 1]! : -Infinity
      const topAnomalous = a > 0 ? anomalies[a - 1]! : -Infinity
      const threshold = topNormal > topAnomalous ? topNormal : topAnomalous
      while (n > 0 && normals[n - 1] === threshold) n--
      while (a > 0 && anomalies[a - 1] === threshold) a--
      walk.threshold = threshold
      walk.falsePositives = countFrom(normal, n)
      walk.truePositives = countFrom(anomalous, a)
      walk.anomalousFrom = a
      return true
    },
  }
  return walk
}
