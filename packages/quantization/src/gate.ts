/** AUROC that a quantised detector may lose, of images and of pixels. */
const maxLoss = 0.002
/** Smallest rank correlation of the scores, where no image has a label. */
const minCorrelation = 0.99

/** What a gate says of a quantised detector. */
export interface Verdict {
  readonly passed: boolean
  /** What was measured, in words, such as `pixel AUROC 0.9840 → 0.9837`. */
  readonly text: string
}

/** Measures a quantised detector against the float one. */
export type Gate = (model: Uint8Array) => Promise<Verdict>

/** AUROC of images and of pixels; NaN or absent where there is no truth. */
export interface Accuracy {
  readonly image: number
  readonly pixel?: number | undefined
}

/** The verdict from labels: neither AUROC falls by more than 0.002. */
export function accuracyVerdict(float: Accuracy, candidate: Accuracy): Verdict {
  const pairs = [
    ['image', float.image, candidate.image],
    ['pixel', float.pixel ?? NaN, candidate.pixel ?? NaN],
  ] as const
  const known = pairs.filter(([, before]) => !Number.isNaN(before))
  return {
    passed: known.every(([, before, after]) => before - after <= maxLoss),
    text: known.map(([name, a, b]) => `${name} AUROC ${a.toFixed(4)} → ${b.toFixed(4)}`).join(', '),
  }
}

/** The verdict without labels: the images keep their order. */
export function rankingVerdict(float: readonly number[], candidate: readonly number[]): Verdict {
  const rho = spearman(float, candidate)
  return {
    passed: rho >= minCorrelation,
    text: `rank correlation of ${float.length} scores ${rho.toFixed(4)}`,
  }
}

/**
 * Spearman's rank correlation: 1 when two lists order the same things alike. 1 for lists without any spread that are
 * alike in it, 0 when only one of them has none.
 */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const mean = (a.length + 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  x.forEach((r, i) => {
    const [dx, dy] = [r - mean, y[i]! - mean]
    xy += dx * dy
    xx += dx * dx
    yy += dy * dy
  })
  if (xx === 0 && yy === 0) return 1
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy)
}

/** Ranks from 1; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return values.map((v) => (sorted.indexOf(v) + sorted.lastIndexOf(v)) / 2 + 1)
}
