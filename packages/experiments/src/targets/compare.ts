import { differenceText, percentText } from '../markdown.js'
import type { Published } from '../paper/table2.js'
import type { Metric } from '../result.js'
import { measure } from '../statistic.js'
import type { CaseOutcome, Statistic } from '../statistic.js'
import { cell } from './notes.js'

/** A published figure beside the measured ones of both protocols. */
export interface Comparison {
  readonly published?: Published
  readonly paper?: Statistic
  readonly strict?: Statistic
}

export function comparison(
  outcome: CaseOutcome,
  metric: Metric,
  published: number | Published | undefined,
): Comparison {
  const [paper, strict] = [measure(outcome, metric, 'paper'), measure(outcome, metric, 'strict')]
  return {
    ...(published !== undefined && { published: typeof published === 'number' ? { mean: published } : published }), // prettier-ignore
    ...(paper && { paper }),
    ...(strict && { strict }),
  }
}

/** Headings of `comparisonCells`. */
export const comparisonHead = (what: string): readonly string[] =>
  [what, `${what} measured`, 'Δ', 'strict'].map((name, i) => (i === 0 ? `${what} paper` : name))

/** Published, measured, difference, strict. */
export function comparisonCells(c: Comparison, mark = ''): readonly string[] {
  return [
    percentText(c.published),
    cell(percentText(c.paper), mark),
    differenceText(c.paper, c.published),
    percentText(c.strict),
  ]
}

/** Where a case has several input sizes: the one with the best localisation, as the paper chooses (section 5.2). */
export function bestSize<T extends { readonly outcome: CaseOutcome }>(sizes: readonly T[]): T {
  const value = ({ outcome }: T) =>
    (measure(outcome, 'pixel', 'paper') ?? measure(outcome, 'image', 'paper'))?.mean ?? -Infinity
  return sizes.reduce((a, b) => (value(b) > value(a) ? b : a))
}
