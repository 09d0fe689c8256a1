import { CflowError } from '@cflow/base'
import { paragraphs, percentText, table } from '../markdown.js'
import { categories as all, isCategory } from '../paper/categories.js'
import { table2Average, table2Columns, table2Figure } from '../paper/table2.js'
import type { AblationColumn, Published } from '../paper/table2.js'
import { mvtec } from '../selection.js'
import type { Case, Selection } from '../selection.js'
import { average } from '../statistic.js'
import { methodNames } from '../trial.js'
import { comparison, comparisonCells, comparisonHead } from './compare.js'
import type { Comparison } from './compare.js'
import { footnotes } from './notes.js'
import { conditions, protocolText } from './protocols.js'
import type { Target } from './target.js'

/** A column of Table 2, and where in the paper's table its figures are; absent for what the paper did not run. */
interface Column extends AblationColumn {
  readonly published?: number
}

/**
 * The columns that are computed. Other encoders than the paper's go through all combinations that the paper has for its
 * largest one, whose figures stand beside them; input sizes that the paper does not have are added.
 */
export function columnsOf({ encoders, inputSizes, methods }: Selection): readonly Column[] {
  const numbered = table2Columns.map((c, published): Column => ({ ...c, published }))
  const own = new Set(numbered.map((c) => c.encoder))
  const byEncoder = (encoders ?? [...own]).flatMap((encoder) => {
    const like = own.has(encoder) ? encoder : 'wide-resnet50-2'
    const base = numbered.filter((c) => c.encoder === like).map((c) => ({ ...c, encoder }))
    const sizes = inputSizes ?? []
    const added = sizes
      .filter((size) => !base.some((c) => c.inputSize === size))
      .map((inputSize): Column => ({ encoder, couplingLayers: 8, poolLayers: 3, inputSize, method: 'cflow' })) // prettier-ignore
    return [...base, ...added].filter((c) => !inputSizes || inputSizes.includes(c.inputSize))
  })
  return byEncoder.filter((c) => !methods || methods.includes(c.method))
}

/** Classes of MVTec AD that are asked for. @throws CflowError USAGE for one that the paper does not have */
export function classesOf({ categories }: Selection): readonly string[] {
  return categories ?? all
}

function caseOf(column: Column, category: string): Case {
  const { method, encoder, inputSize, poolLayers, couplingLayers } = column
  return { method, encoder, inputSize, poolLayers, couplingLayers, data: mvtec(category) }
}

const publishedOf = (column: Column, category: string): Published | undefined =>
  column.published !== undefined && isCategory(category)
    ? table2Figure(category, column.published)
    : undefined

/** Table 2: localisation AUROC by encoder, coupling layers, pool layers, input size and kind of flow. */
export const table2: Target = {
  name: 'table2',
  cases: (selection) => {
    const columns = columnsOf(selection)
    if (columns.length === 0)
      throw new CflowError('USAGE', 'Table 2 has no column for these methods and input sizes', {
        subject: 'methods',
        hint: 'it compares cflow and uflow at 256 and 512 pixels',
      })
    const cases = classesOf(selection).flatMap((c) => columns.map((column) => caseOf(column, c)))
    return Promise.resolve(cases)
  },
  document({ selection, caseOf: outcomeOf }) {
    const notes = footnotes()
    const columns = columnsOf(selection)
    const classes = classesOf(selection)
    const results = []
    const data = []
    const summary: string[][] = []
    const sections: string[] = []
    for (const column of columns) {
      const name = nameOf(column)
      const rows: string[][] = []
      const compared: Comparison[] = []
      for (const category of classes) {
        const outcome = outcomeOf(caseOf(column, category))
        const c = comparison(outcome, 'pixel', publishedOf(column, category))
        results.push(...outcome.results)
        rows.push([category, ...comparisonCells(c, notes.mark(outcome.reasons))])
        compared.push(c)
        data.push({ ...column, category, ...c, results: outcome.results, missing: outcome.reasons })
      }
      const covered = compared.filter((c) => c.paper)
      const means = meansOf(covered)
      rows.push([`mean of ${covered.length}`, ...comparisonCells(means)])
      const whole = column.published === undefined ? undefined : table2Average[column.published]
      summary.push([name, percentText(whole === undefined ? undefined : { mean: whole }), ...comparisonCells(means), `${covered.length} of ${classes.length}`]) // prettier-ignore
      sections.push(`## ${name}\n\n${table(['class', ...comparisonHead('AUROC')], rows)}`)
    }
    const head = [
      'configuration',
      'paper, 15 classes',
      ...comparisonHead('same classes'),
      'classes',
    ]
    return Promise.resolve({
      title: 'Table 2: ablation, localisation AUROC on MVTec AD',
      body: paragraphs(
        protocolText,
        foreign(columns),
        table(head, summary),
        ...sections,
        notes.text(),
        conditions(selection, results),
      ),
      data,
      filled: results.length > 0,
    })
  },
}

/** Means over the classes that were measured, the published ones over the same classes. */
export function meansOf(compared: readonly Comparison[]): Comparison {
  const [published, paper, strict] = (['published', 'paper', 'strict'] as const).map((key) =>
    average(compared.map((c) => c[key])),
  )
  return { ...(published && { published }), ...(paper && { paper }), ...(strict && { strict }) }
}

const nameOf = (c: Column): string =>
  `${c.encoder}, ${c.couplingLayers} coupling layers, ${c.poolLayers} pool layers, ${c.inputSize} px, ${methodNames[c.method]}`

function foreign(columns: readonly Column[]): string | undefined {
  const own = table2Columns.map((c) => c.encoder)
  const others = [...new Set(columns.map((c) => c.encoder))].filter((e) => !own.includes(e))
  if (others.length === 0) return undefined
  return `The paper has no ${others.join(', ')}: the figures beside it are those of wide-resnet50-2.`
}
