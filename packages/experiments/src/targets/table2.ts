import { CflowError } from '@cflow/base'
import {
  isCategory,
  table2Average,
  table2Columns,
  table2Figure,
  type AblationColumn,
} from '../paper/classes.js'
import { classesOf, mvtec, type Case, type Selection } from '../selection.js'
import { methodNames } from '../trial.js'
import { averagesTable, comparison, comparisonTable, withMeans } from './compare.js'
import { footnotes, foreignEncoders, protocolText } from './notes.js'
import { trialDocument, type Target } from './target.js'

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
    const added = (inputSizes ?? [])
      .filter((size) => !base.some((c) => c.inputSize === size))
      .map((inputSize): Column => ({ encoder, couplingLayers: 8, poolLayers: 3, inputSize, method: 'cflow' })) // prettier-ignore
    return [...base, ...added].filter((c) => !inputSizes || inputSizes.includes(c.inputSize))
  })
  return byEncoder.filter((c) => !methods || methods.includes(c.method))
}

const caseOf = (column: Column, category: string): Case => ({ ...column, data: mvtec(category) })

const nameOf = (c: Column): string =>
  `${c.encoder}, ${c.couplingLayers} coupling layers, ${c.poolLayers} pool layers, ${c.inputSize} px, ${methodNames[c.method]}`

/** Table 2: localisation AUROC by encoder, coupling layers, pool layers, input size and kind of flow. */
export const table2: Target = (selection) => {
  const columns = columnsOf(selection)
  if (columns.length === 0)
    throw new CflowError('USAGE', 'Table 2 has no column for these methods and input sizes', {
      subject: 'methods',
      hint: 'it compares cflow and uflow at 256 and 512 pixels',
    })
  const classes = classesOf(selection)
  return {
    cases: classes.flatMap((c) => columns.map((column) => caseOf(column, c))),
    document(outcomeOf) {
      const notes = footnotes()
      const measured = columns.map((column) => {
        const { published } = column
        const cases = classes.map((category) => {
          const outcome = outcomeOf(caseOf(column, category))
          const figure = published !== undefined && isCategory(category) ? table2Figure(category, published) : undefined // prettier-ignore
          return { category, compared: comparison(outcome, 'pixel', figure), ...outcome }
        })
        const { rows, means, count } = withMeans(
          cases.map((c) => ({
            words: [c.category],
            comparisons: [c.compared],
            missing: c.missing,
          })),
        )
        const whole = published === undefined ? undefined : table2Average[published]
        return {
          data: cases.map(({ category, compared, results, missing }) => ({ ...column, category, ...compared, results, missing })), // prettier-ignore
          text: `## ${nameOf(column)}\n\n${comparisonTable(['class'], ['AUROC'], rows, notes)}`,
          average: {
            name: nameOf(column),
            whole: whole === undefined ? undefined : { mean: whole },
            means: means[0] ?? {},
            classes: `${count} of ${classes.length}`,
          },
        }
      })
      const data = measured.flatMap((m) => m.data)
      return trialDocument(
        { title: 'Table 2: ablation, localisation AUROC on MVTec AD', data },
        [
          protocolText,
          foreignEncoders(columns.map((c) => c.encoder), table2Columns.map((c) => c.encoder), 'wide-resnet50-2'), // prettier-ignore
          averagesTable(
            'configuration',
            measured.map((m) => m.average),
          ),
          ...measured.map((m) => m.text),
        ],
        { selection, notes, results: data.flatMap((d) => d.results) },
      )
    },
  }
}
