import type { ReportExample, ReportScore } from '../report/input.js'

/** An image to show in a report. */
export interface Choice {
  /** Its place in the list of scores. */
  readonly index: number
  readonly group: ReportExample['group']
}

/**
 * Which images a report shows, `most` of a group at most and none twice:
 * `worst`, whose score disagrees most with the truth (missed defects, false alarms, then the closest to being that);
 * `best`, the defects with the highest scores; `doubtful`, the closest to the threshold of the others. Images without a
 * known truth count as good ones: the worst are then the most anomalous.
 */
export function chooseExamples(
  scores: readonly ReportScore[],
  threshold: number,
  most = 6,
): readonly Choice[] {
  const each = Math.min(most, Math.ceil(scores.length / 3))
  // how far a score lies on the right side of the threshold
  const margin = ({ score, label }: ReportScore): number =>
    label === 'anomalous' ? score - threshold : threshold - score
  const ranked = scores.map((s, index) => ({ index, margin: margin(s), label: s.label }))
  const taken = new Set<number>()
  const take = (group: Choice['group'], from: readonly (typeof ranked)[number][]): Choice[] => {
    const chosen = from.filter((r) => !taken.has(r.index)).slice(0, each)
    for (const { index } of chosen) taken.add(index)
    return chosen.map(({ index }) => ({ index, group }))
  }
  const defects = ranked.filter((r) => r.label === 'anomalous')
  const worst = take(
    'worst',
    ranked.toSorted((a, b) => a.margin - b.margin),
  )
  const best = take(
    'best',
    (defects.length > 0 ? defects : ranked).toSorted((a, b) => b.margin - a.margin),
  )
  const doubtful = take(
    'doubtful',
    ranked.toSorted((a, b) => Math.abs(a.margin) - Math.abs(b.margin)),
  )
  return [...best, ...worst, ...doubtful]
}
