import { categories, isCategory, table3Figures } from '../paper/classes.js'
import { table4 as published } from '../paper/tables.js'
import type { Metric } from '../result.js'
import { classesOf } from '../selection.js'
import type { CaseOutcome } from '../statistic.js'
import type { Method } from '../trial.js'
import {
  averagesTable,
  bestSize,
  comparison,
  meansOf,
  modelName,
  notComputed,
  publishedOf,
  type Comparison,
} from './compare.js'
import { cell, footnotes, protocolText } from './notes.js'
import { casesOf } from './table3.js'
import { trialDocument, type Target } from './target.js'

const computed = ['cflow', 'padim', 'spade', 'dfr', 'differnet'] as const

/** Table 4: averages over the classes of MVTec AD by method, all on one encoder. */
export const table4: Target = (selection) => {
  const { encoders: [encoder] = ['wide-resnet50-2'], methods = computed } = selection
  const classes = classesOf(selection)
  const own = computed.filter((m) => methods.includes(m))
  const casesFor = (method: Method, category: string) =>
    casesOf(selection, method, encoder as string, category)
  return {
    cases: classes.flatMap((category) => own.flatMap((m) => casesFor(m, category))),
    document(outcomeOf) {
      const notes = footnotes()
      const data = own.map((method) => {
        const outcomes = classes.map((category) => ({
          category,
          ...bestSize(casesFor(method, category), outcomeOf).outcome,
        }))
        const covered = outcomes.filter((o) => o.results.length > 0)
        const mean = (metric: Metric) => meanOf(method, covered, metric)
        return {
          method,
          whole: published[method],
          classes: covered.map((o) => o.category),
          ...{ image: mean('image'), pixel: mean('pixel'), aupro: mean('aupro') },
          results: covered.flatMap((o) => o.results),
          missing: [...new Set(outcomes.flatMap((o) => o.missing))],
        }
      })
      const section = (title: string, metric: Metric) => {
        const rows = data.map((d) => ({
          name: modelName(d.method),
          whole: publishedOf(d.whole, metric),
          means: d[metric],
          classes: cell(`${d.classes.length} of ${classes.length}`, notes.mark(d.missing)),
        }))
        const quoted = [published.svdd, published.cutPaste].map((model) => ({ name: notComputed(model), whole: publishedOf(model, metric), means: {}, classes: '' })) // prettier-ignore
        return `## ${title}\n\n${averagesTable('model', [...rows, ...quoted])}`
      }
      return trialDocument(
        { title: 'Table 4: averages on MVTec AD by method', data },
        [
          protocolText,
          `All methods on ${encoder}, CFLOW at the best input size of each class, the others at 256 pixels, unless sizes were given. “Same classes” are the paper’s figures averaged over the classes that were measured, where it gives them by class.`,
          section('Detection AUROC', 'image'),
          section('Localisation AUROC', 'pixel'),
          section('AUPRO', 'aupro'),
        ],
        { selection, notes, results: data.flatMap((d) => d.results) },
      )
    },
  }
}

/** Over the classes that were measured, beside the paper's; where all were, beside its average itself. */
function meanOf(
  method: (typeof computed)[number],
  covered: readonly (CaseOutcome & { readonly category: string })[],
  metric: Metric,
): Comparison {
  const byClass = method === 'dfr' || method === 'differnet' ? undefined : method
  const means = meansOf(
    covered.map((o) => {
      const figures = byClass && isCategory(o.category) ? table3Figures(o.category)[byClass] : undefined // prettier-ignore
      return comparison(o, metric, publishedOf(figures, metric))
    }),
  )
  const isComplete = categories.every((category) => covered.some((o) => o.category === category))
  const average = isComplete ? publishedOf(published[method], metric) : undefined
  return average ? { ...means, published: average } : means
}
