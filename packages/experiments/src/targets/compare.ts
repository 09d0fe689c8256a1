import { differenceText, percentText, table } from '../markdown.js'
import type { Figures, Published } from '../paper/classes.js'
import type { Metric } from '../result.js'
import type { Case } from '../selection.js'
import { average, measure, type CaseOutcome, type Statistic } from '../statistic.js'
import { methodNames, type Method } from '../trial.js'
import { cell, type Notes } from './notes.js'

/** A published figure beside the measured ones of both protocols. */
export interface Comparison {
  readonly published?: Published
  readonly paper?: Statistic
  readonly strict?: Statistic
}

const comparisonOf = (
  published: Published | undefined,
  paper: Statistic | undefined,
  strict: Statistic | undefined,
): Comparison => ({
  ...(published && { published }),
  ...(paper && { paper }),
  ...(strict && { strict }),
})

export const comparison = (
  outcome: CaseOutcome,
  metric: Metric,
  published: Published | undefined,
): Comparison =>
  comparisonOf(published, measure(outcome, metric, 'paper'), measure(outcome, metric, 'strict'))

const paperWord = { image: 'detection', pixel: 'localisation', aupro: 'aupro' } as const

/** What the paper's tables give of a metric; undefined where they do not. */
export function publishedOf(figures: Figures | undefined, metric: Metric): Published | undefined {
  const mean = figures?.[paperWord[metric]]
  return mean === undefined ? undefined : { mean }
}

/** Means over the cases that were measured, the published ones over the same cases. */
export function meansOf(comparisons: readonly Comparison[]): Comparison {
  const mean = (key: keyof Comparison) => average(comparisons.map((c) => c[key]))
  return comparisonOf(mean('published'), mean('paper'), mean('strict'))
}

/** Of a case at several input sizes the one with the best localisation, as the paper chooses (section 5.2). */
export function bestSize(cases: readonly Case[], outcomeOf: (one: Case) => CaseOutcome) {
  const sizes = cases.map(({ inputSize, ...one }) => ({ inputSize, outcome: outcomeOf({ ...one, inputSize }) })) // prettier-ignore
  const value = ({ outcome }: (typeof sizes)[number]) =>
    (measure(outcome, 'pixel', 'paper') ?? measure(outcome, 'image', 'paper'))?.mean ?? -Infinity
  return sizes.reduce((a, b) => (value(b) > value(a) ? b : a))
}

/** Headings of `comparisonCells`. */
const comparisonHead = (what: string): readonly string[] =>
  [`${what} paper`, `${what} measured`, 'Δ', 'strict'] // prettier-ignore

/** Published, measured, difference, strict. */
const comparisonCells = ({ published, paper, strict }: Comparison, mark: string) => [
  percentText(published),
  cell(percentText(paper), mark),
  differenceText(paper, published),
  percentText(strict),
]

/** Words, the comparisons of the metrics, and why some have no figures. */
interface Row {
  readonly words: readonly string[]
  readonly comparisons: readonly Comparison[]
  readonly missing?: readonly string[]
}

/** Rows of comparisons with as many words before them as there are in the first heading. */
export function comparisonTable(
  words: readonly string[],
  metrics: readonly string[],
  rows: readonly Row[],
  notes: Notes,
): string {
  const lines = rows.map(({ words, comparisons, missing = [] }) => {
    const mark = notes.mark(missing)
    return [...words, ...comparisons.flatMap((c, m) => comparisonCells(c, m === 0 ? mark : ''))]
  })
  return table([...words, ...metrics.flatMap(comparisonHead)], lines)
}

/** The same rows with the means of those that were measured below them. */
export function withMeans(rows: readonly Row[]) {
  const covered = rows.filter((r) => r.comparisons.some((c) => c.paper))
  const means = (rows[0]?.comparisons ?? []).map((_, m) =>
    meansOf(covered.map((r) => r.comparisons[m] as Comparison)),
  )
  const blank = (rows[0]?.words ?? []).slice(1).map(() => '')
  const last: Row = { words: [`mean of ${covered.length}`, ...blank], comparisons: means }
  return { rows: [...rows, last], means, count: covered.length }
}

/** Averages over classes beside the paper's over all fifteen. */
export function averagesTable(
  first: string,
  rows: readonly {
    readonly name: string
    readonly whole: Published | undefined
    readonly means: Comparison
    readonly classes: string
  }[],
): string {
  return table(
    [first, 'paper, 15 classes', ...comparisonHead('same classes'), 'classes'],
    rows.map((r) => [r.name, percentText(r.whole), ...comparisonCells(r.means, ''), r.classes]),
  )
}

/** A model's name in a table of averages. */
export const modelName = (method: Method): string =>
  method === 'cflow' ? 'CFLOW-AD' : methodNames[method]

export const notComputed = ({ model }: { readonly model: string }): string =>
  `${model} (not computed here)`
