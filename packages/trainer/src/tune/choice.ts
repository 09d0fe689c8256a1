import type { Candidate, Changes } from './candidates.js'
import { gainOf, type Quality } from './measure.js'
import type { TuneRow } from './result.js'

/** What the settings as they are must be exceeded by, and by how many standard errors. */
export const margin = 0.02
const sure = 2

/** A candidate and what is known of it. */
export interface State {
  readonly candidate: Candidate
  readonly row: TuneRow
}

/** Better by more than the margin, and by more than what the choice of the held-out images may do. */
export const isClearlyBetter = (a: Quality | undefined, b: Quality | undefined): boolean => {
  if (!a || !b) return false
  const { gain, error } = gainOf(a, b)
  return gain > Math.max(margin, sure * error)
}

/**
 * The settings as they are, unless others are clearly better or they are over the budget; then the best of these, or one that is
 * not clearly worse and likelier or cheaper.
 */
export function choose(ranked: readonly State[]): State {
  const base = ranked.find((s) => s.row.name === '')
  const better = ranked.filter((s) => !base || isClearlyBetter(s.row.quality, base.row.quality))
  const [best] = better
  if (!best) return base as State
  const level = better.filter((s) => !isClearlyBetter(best.row.quality, s.row.quality))
  return level.reduce((kept, s) => {
    if (haveSameFeatures(s.candidate, kept.candidate)) {
      const gain = (s.row.likelihood ?? 0) - (kept.row.likelihood ?? 0)
      if (Math.abs(gain) > 0.01) return gain > 0 ? s : kept
    }
    return (s.row.milliseconds ?? 0) < 0.9 * (kept.row.milliseconds ?? 0) ? s : kept
  })
}

/** Likelihoods can be compared where they are of the same features. */
const haveSameFeatures = (a: Candidate, b: Candidate): boolean =>
  (
    [
      'encoder',
      'inputSize',
      'resize',
      'poolLayers',
      'imageScales',
      'neighbourhoods',
      'normalisation',
    ] as const
  ).every((key) => (a.config as Changes)[key] === (b.config as Changes)[key])
