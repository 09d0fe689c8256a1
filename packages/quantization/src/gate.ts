import { spearman } from './ranking.js'

/** AUROC that a quantised detector may lose, of images and of pixels. */
export const mostLoss = 0.002
/** Least rank correlation of the scores, where no image has a label. */
export const leastCorrelation = 0.99

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

/** The verdict from labels: neither AUROC falls by more than `mostLoss`. */
export function accuracyVerdict(float: Accuracy, candidate: Accuracy): Verdict {
  const pairs = [
    ['image', float.image, candidate.image],
    ['pixel', float.pixel ?? NaN, candidate.pixel ?? NaN],
  ] as const
  const known = pairs.filter(([, before]) => !Number.isNaN(before))
  return {
    passed: known.every(([, before, after]) => before - after <= mostLoss),
    text: known.map(([name, a, b]) => `${name} AUROC ${a.toFixed(4)} → ${b.toFixed(4)}`).join(', '),
  }
}

/** The verdict without labels: the images keep their order. */
export function rankingVerdict(float: readonly number[], candidate: readonly number[]): Verdict {
  const rho = spearman(float, candidate)
  return {
    passed: rho >= leastCorrelation,
    text: `rank correlation of ${float.length} scores ${rho.toFixed(4)}`,
  }
}
