/** Floating-point array that scores are kept in; float32 is what anomaly maps are made of. */
export type FloatArray = Float32Array | Float64Array

/** Anomaly scores, one per image or pixel; higher is more anomalous. Plain numbers count as float64. */
export type Scores = FloatArray | readonly number[]

/** Ground truth, one per score: non-zero or true is anomalous, 0 or false is normal. */
export type Labels = Uint8Array | readonly number[] | readonly boolean[]

/** The scores of each class, in no particular order. */
export interface ScoresByClass {
  readonly normal: FloatArray
  readonly anomalous: FloatArray
}

/**
 * Splits scores by their label into new arrays of the scores' precision.
 * @throws RangeError when the lengths differ, a score is not a number, or a label neither a number nor true or false
 */
export function splitByLabel(scores: Scores, labels: Labels): ScoresByClass {
  requireLength('labels', labels.length, 'one per score', scores.length)
  let anomalousCount = 0
  for (let i = 0; i < labels.length; i++) {
    const label: unknown = labels[i]
    if (typeof label !== 'boolean') requireNumber(`label ${i}`, label)
    if (label) anomalousCount++
  }
  const normal = allocateLike(scores, scores.length - anomalousCount)
  const anomalous = allocateLike(scores, anomalousCount)
  let n = 0
  let a = 0
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!
    requireNumber(`score ${i}`, score)
    if (labels[i]) anomalous[a++] = score
    else normal[n++] = score
  }
  return { normal, anomalous }
}

/** Zeros in the precision of `scores`: float32 for a Float32Array, otherwise float64. */
export function allocateLike(scores: Scores, length: number): FloatArray {
  return scores instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)
}

/** One array of all scores in order: float32 when every part is, otherwise float64. */
export function concatScores(parts: readonly FloatArray[]): FloatArray {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const single = parts.every((part) => part instanceof Float32Array)
  const all = single ? new Float32Array(length) : new Float64Array(length)
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/** @throws RangeError unless `value` is a number; NaN, which compares with nothing, is none */
export function requireNumber(what: string, value: unknown): void {
  if (typeof value !== 'number') throw new RangeError(`${what} is no number: ${String(value)}`)
  if (Number.isNaN(value)) throw new RangeError(`${what} is NaN`)
}

/** @throws RangeError unless `actual` is `expected` */
export function requireLength(
  what: string,
  actual: number,
  meaning: string,
  expected: number,
): void {
  if (actual !== expected)
    throw new RangeError(`${what} must have ${expected} elements (${meaning}), got ${actual}`)
}

/** @throws RangeError unless `value` is an integer of at least `min` */
export function requireInteger(what: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min)
    throw new RangeError(`${what} must be an integer of at least ${min}, got ${value}`)
}
