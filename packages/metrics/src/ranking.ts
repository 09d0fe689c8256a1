/**
 * The scores of both classes in order: all that the threshold metrics need. Every distinct score is a threshold, and a
 * score is predicted anomalous when it is ≥ the threshold, so ties are always taken together.
 */
export interface Ranking {
  /** Number of normal scores. */
  readonly normalCount: number
  /** Number of anomalous scores. */
  readonly anomalousCount: number
  /** Visits every distinct score as a threshold, from the highest down. */
  walk(): Walk
}

/**
 *     const walk = ranking.walk()
 *     while (walk.next()) use(walk.threshold, walk.truePositives, walk.falsePositives)
 */
export interface Walk {
  readonly threshold: number
  readonly truePositives: number
  readonly falsePositives: number
  /** Moves to the next lower threshold; false when none is left. */
  next(): boolean
}
