import type { Judged, ReportExample } from './input.js'
import { outcomeOf } from './outcome.js'

/** An image to show in a report. */
export interface Choice {
  /** In the list of scores. */
  readonly index: number
  readonly group: ReportExample['group']
}

/** Most misses and false alarms that a report shows: a file of a few megabytes. */
const maxMistakes = 48

/**
 * Which images a report shows, none twice: `mistake`, every miss and every false alarm, those farthest from the threshold
 * first, `maxMistakes` at most; and `max` of each other group: `worst`, the unlabelled images with the highest scores;
 * `best`, the defects with the highest scores (without any, the images with the lowest); `doubtful`, the closest to the
 * threshold of those that are left.
 */
export function chooseExamples(scores: readonly Judged[], max = 6): readonly Choice[] {
  const each = Math.min(max, Math.ceil(scores.length / 3))
  // how far a score lies on the right side of the threshold, where images without a known truth count as good ones
  const margins = scores.map(({ score, threshold, label }) =>
    label === 'anomalous' ? score - threshold : threshold - score,
  )
  const all = [...scores.keys()]
  const those = (is: (image: Judged) => boolean) => all.filter((i) => is(scores[i]!))
  const defects = those((s) => s.label === 'anomalous')
  const taken = new Set<number>()
  /** The first of those that are left, by ascending rank. */
  const take = (
    group: Choice['group'],
    from: readonly number[],
    rank: (margin: number) => number,
    most = each,
  ) =>
    from
      .filter((i) => !taken.has(i))
      .sort((a, b) => rank(margins[a]!) - rank(margins[b]!))
      .slice(0, most)
      .map((index): Choice => {
        taken.add(index)
        return { index, group }
      })
  const missed = those((s) => outcomeOf(s) === 'missed')
  const alarms = those((s) => outcomeOf(s) === 'false alarm')
  const farthest = (margin: number) => margin
  // of very many, both kinds are shown
  const half = maxMistakes / 2
  const mistakes = [
    ...take('mistake', missed, farthest, maxMistakes - Math.min(half, alarms.length)),
    ...take('mistake', alarms, farthest, maxMistakes - Math.min(half, missed.length)),
  ]
  // those that are too many are no examples of anything else
  for (const index of [...missed, ...alarms]) taken.add(index)
  const worst = take(
    'worst',
    those((s) => s.label === 'unknown'),
    farthest,
  )
  const best = take('best', defects.length > 0 ? defects : all, (margin) => -margin)
  const doubtful = take('doubtful', all, Math.abs)
  return [...mistakes, ...best, ...worst, ...doubtful]
}
