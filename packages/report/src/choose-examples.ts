import type { Judged, ReportExample } from './input.js'

/** An image to show in a report. */
export interface Choice {
  /** In the list of scores. */
  readonly index: number
  readonly group: ReportExample['group']
}

/**
 * Which images a report shows, `max` of a group and none twice:
 * `worst`, whose score disagrees most with the truth (missed defects, false alarms, then the closest to being that);
 * `best`, the defects with the highest scores; `doubtful`, the closest to the threshold of the others. Images without a
 * known truth count as good ones: the worst are then the most anomalous.
 */
export function chooseExamples(scores: readonly Judged[], max = 6): readonly Choice[] {
  const each = Math.min(max, Math.ceil(scores.length / 3))
  // how far a score lies on the right side of the threshold
  const margins = scores.map(({ score, threshold, label }) =>
    label === 'anomalous' ? score - threshold : threshold - score,
  )
  const all = [...scores.keys()]
  const defects = all.filter((i) => scores[i]!.label === 'anomalous')
  const taken = new Set<number>()
  /** The first of those that are left, by ascending rank. */
  const take = (
    group: Choice['group'],
    from: readonly number[],
    rank: (margin: number) => number,
  ) =>
    from
      .filter((i) => !taken.has(i))
      .sort((a, b) => rank(margins[a]!) - rank(margins[b]!))
      .slice(0, each)
      .map((index): Choice => {
        taken.add(index)
        return { index, group }
      })
  const worst = take('worst', all, (margin) => margin)
  const best = take('best', defects.length > 0 ? defects : all, (margin) => -margin)
  const doubtful = take('doubtful', all, Math.abs)
  return [...best, ...worst, ...doubtful]
}
