import type { Outcome } from './conduct/run-trial.js'
import type { Published } from './paper/classes.js'
import { reported, type Metric, type Result } from './result.js'

/** Mean and sample deviation over trials, in percent. */
export interface Statistic extends Published {
  readonly count: number
}

/** Undefined without values; the deviation (n − 1) needs two. */
export function statisticOf(values: readonly (number | null | undefined)[]): Statistic | undefined {
  const known = values.filter((v): v is number => typeof v === 'number' && Number.isFinite(v))
  const count = known.length
  if (count === 0) return undefined
  const mean = known.reduce((a, b) => a + b, 0) / count
  if (count === 1) return { mean, count }
  const deviation = Math.sqrt(known.reduce((s, v) => s + (v - mean) ** 2, 0) / (count - 1))
  return { mean, deviation, count }
}

/** What became of the trials of one case. */
export interface CaseOutcome {
  readonly results: readonly Result[]
  /** Why trials have no result, each reason once. */
  readonly missing: readonly string[]
}

export const caseOutcome = (outcomes: readonly Outcome[]): CaseOutcome => ({
  results: outcomes.flatMap((o) => (o.kind === 'done' ? [o.result] : [])),
  missing: [...new Set(outcomes.flatMap((o) => (o.kind === 'done' ? [] : [o.reason])))],
})

/** A metric of a case in percent: under the authors' rules as they report it, or strictly. */
export function measure(
  { results }: CaseOutcome,
  metric: Metric,
  protocol: 'paper' | 'strict',
): Statistic | undefined {
  const value = (r: Result) => (protocol === 'paper' ? reported(r, metric) : r.strict[metric])
  return statisticOf(results.map((r) => percent(value(r))))
}

const percent = (rate: number | null | undefined) =>
  typeof rate === 'number' ? 100 * rate : undefined

/** Means over classes: of the statistics that there are. */
export function average(statistics: readonly (Published | undefined)[]): Statistic | undefined {
  const means = statisticOf(statistics.map((s) => s?.mean))
  return means && { mean: means.mean, count: means.count }
}
