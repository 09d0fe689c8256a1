import { defectKinds } from '@cflow/datasets'
import type { TrainConfig } from '@cflow/methods'
import type { Changes } from './candidates.js'
import type { gainOf, Quality } from './measure.js'

/** A candidate, and what became of it. */
export interface TuneRow {
  /** For people; empty for the settings as they are. */
  readonly name: string
  readonly changes: Changes
  /** The last round that it was measured in, from 1; 0 where it was not. */
  readonly round: number
  /** Of that round. */
  readonly quality?: Quality
  /** By how much its score is above that of the settings as they are in that round, and the standard error of that. */
  readonly gain?: ReturnType<typeof gainOf>
  /** Mean log-likelihood per dimension of held-out good images: comparable where the features are the same. */
  readonly likelihood?: number
  /** Of one image through the detector, the median. */
  readonly milliseconds?: number
  /** Seconds of its trainings and trials in all rounds. */
  readonly seconds: number
  /** Why it went no further; absent of those that were compared to the end. */
  readonly out?: 'budget' | 'time' | 'worse' | 'error'
  /** Of an error. */
  readonly message?: string
}

export interface TuneResult {
  readonly config: TrainConfig
  /** What the chosen settings differ in from those that were tuned; empty where these are the best. */
  readonly changes: Changes
  /** Best first, then those that went no further. */
  readonly rows: readonly TuneRow[]
  readonly chosen: TuneRow
  /** The settings as they were. */
  readonly base: TuneRow
  /** Good images that were held out in the last round, how many detectors were trained without them, and defects made. */
  readonly heldOut: number
  readonly folds: number
  readonly defects: number
  readonly rounds: number
  /** What the settings as they are must be exceeded by at least. */
  readonly level: number
  readonly seconds: number
}

/** A choice in a sentence or two, for people. */
export function explainTuning(result: TuneResult): string {
  const { chosen, base, rows, heldOut, defects, folds } = result
  const points = (rate: number) => (100 * rate).toFixed(1)
  const compared = rows.filter((row) => row.quality).length
  const on = `on ${defects} made defects over ${heldOut} good images that were held out${folds > 1 ? ` (in ${folds} folds)` : ''}` // prettier-ignore
  const late = rows.filter((row) => row.out === 'time' && row.round === 0).length
  const missed =
    late > 0 ? ` The time was too short for ${late} more: --minutes gives them more.` : ''
  const score = points(chosen.quality!.score)
  if (compared === 1)
    return `The settings stay as they are, for want of another to compare with: ${score} of 100 ${on}.${missed}`
  if (chosen.name === '')
    return `The settings stay as they are: ${score} of 100 ${on}, and none of ${compared - 1} others is clearly better: by ${points(result.level)} and by twice the error that the choice of images makes.${missed}` // prettier-ignore
  if (base.out === 'budget')
    return `${chosen.name}: ${score} of 100 ${on}; the settings as they are take ${base.milliseconds!.toFixed(1)} ms an image, more than the budget.${missed}` // prettier-ignore
  if (!base.quality || base.round !== chosen.round)
    return `${chosen.name}: ${score} of 100 ${on}, the best of those that were compared to the end.${missed}` // prettier-ignore
  const gain = (kind: (typeof defectKinds)[number]) => chosen.quality!.kinds[kind] - base.quality!.kinds[kind] // prettier-ignore
  const most = [...defectKinds].sort((a, b) => gain(b) - gain(a))[0]!
  const where = gain(most) > 0 ? `; it gains most on the kind ${most} (${points(gain(most))})` : ''
  return `${chosen.name}: ${score} of 100 ${on}, against ${points(base.quality.score)} with the settings as they are${where}.${missed}` // prettier-ignore
}
