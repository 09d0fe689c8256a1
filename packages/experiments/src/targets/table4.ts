import { percentText, paragraphs, table } from '../markdown.js'
import { categories as all, isCategory } from '../paper/categories.js'
import { table3Figures } from '../paper/table3.js'
import { table4 as published } from '../paper/tables.js'
import type { PublishedAverage } from '../paper/tables.js'
import type { Selection } from '../selection.js'
import type { Metric } from '../result.js'
import { methodNames } from '../trial.js'
import type { Method } from '../trial.js'
import { bestSize, comparison, comparisonCells, comparisonHead } from './compare.js'
import type { Comparison } from './compare.js'
import { cell, footnotes } from './notes.js'
import { conditions, protocolText } from './protocols.js'
import { classesOf, meansOf } from './table2.js'
import { casesOf } from './table3.js'
import type { Target } from './target.js'

const computed = ['cflow', 'padim', 'spade', 'dfr', 'differnet'] as const
type Computed = (typeof computed)[number]

const methodsOf = ({ methods }: Selection): readonly Computed[] =>
  computed.filter((m) => !methods || methods.includes(m))

const encoderOf = ({ encoders }: Selection): string => encoders?.[0] ?? 'wide-resnet50-2'

const publishedKey = { image: 'detection', pixel: 'localisation', aupro: 'aupro' } as const

/** What the paper gives by class, for averages over fewer than all. */
function byClass(method: Method, category: string, metric: Metric): number | undefined {
  if (!isCategory(category)) return undefined
  const { wideResnet50, spade, padim } = table3Figures(category)
  if (method === 'cflow')
    return { image: wideResnet50.detection, pixel: wideResnet50.localisation[0], aupro: wideResnet50.localisation[1] }[metric] // prettier-ignore
  const pair = method === 'spade' ? spade : method === 'padim' ? padim : undefined
  return pair && { image: undefined, pixel: pair[0], aupro: pair[1] }[metric]
}

/** Table 4: averages over the classes of MVTec AD by method, all on one encoder. */
export const table4: Target = {
  name: 'table4',
  cases: (selection) =>
    Promise.resolve(
      classesOf(selection).flatMap((category) =>
        methodsOf(selection).flatMap((m) => casesOf(selection, m, encoderOf(selection), category)),
      ),
    ),
  document({ selection, caseOf }) {
    const notes = footnotes()
    const encoder = encoderOf(selection)
    const classes = classesOf(selection)
    const rows = methodsOf(selection).map((method) => {
      const outcomes = classes.map((category) => ({
        category,
        outcome: bestSize(casesOf(selection, method, encoder, category).map((one) => ({ outcome: caseOf(one) }))).outcome, // prettier-ignore
      }))
      const covered = outcomes.filter((o) => o.outcome.results.length > 0)
      const whole: PublishedAverage = published[method]
      const complete = all.every((category) => covered.some((o) => o.category === category))
      const mean = (metric: Metric): Comparison => {
        const means = meansOf(covered.map(({ category, outcome }) => comparison(outcome, metric, byClass(method, category, metric)))) // prettier-ignore
        // where every class was measured, the published average itself
        const average = complete ? whole[publishedKey[metric]] : undefined
        return average === undefined ? means : { ...means, published: { mean: average } }
      }
      return {
        method,
        whole,
        classes: covered.map((o) => o.category),
        image: mean('image'),
        pixel: mean('pixel'),
        aupro: mean('aupro'),
        results: covered.flatMap((o) => o.outcome.results),
        missing: [...new Set(outcomes.flatMap((o) => o.outcome.reasons))],
      }
    })
    const results = rows.flatMap((r) => r.results)
    const section = (title: string, metric: Metric, key = publishedKey[metric]) =>
      `## ${title}\n\n${table(
        ['model', 'paper, 15 classes', ...comparisonHead('same classes'), 'classes'],
        [
          ...rows.map((r) => [
            r.method === 'cflow' ? 'CFLOW-AD' : methodNames[r.method],
            whole(r.whole[key]),
            ...comparisonCells(r[metric]),
            cell(`${r.classes.length} of ${classes.length}`, notes.mark(r.missing)),
          ]),
          ...[published.svdd, published.cutPaste].map((p: PublishedAverage) => [`${p.model} (not computed here)`, whole(p[key]), '–', '–', '–', '–', '']), // prettier-ignore
        ],
      )}`
    return Promise.resolve({
      title: 'Table 4: averages on MVTec AD by method',
      body: paragraphs(
        protocolText,
        `All methods on ${encoder}, CFLOW at the best input size of each class, the others at 256 pixels, unless sizes were given. “Same classes” are the paper’s figures averaged over the classes that were measured, where it gives them by class.`,
        section('Detection AUROC', 'image'),
        section('Localisation AUROC', 'pixel'),
        section('AUPRO', 'aupro'),
        notes.text(),
        conditions(selection, results),
      ),
      data: rows,
      filled: results.length > 0,
    })
  },
}

const whole = (mean: number | undefined): string =>
  percentText(mean === undefined ? undefined : { mean })
