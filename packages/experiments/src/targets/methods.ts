import { CflowError } from '@cflow/base'
import type { Laboratory } from '../laboratory.js'
import { dash, numberText, percentText, table } from '../markdown.js'
import { isCategory, table3Figures } from '../paper/classes.js'
import { metrics } from '../result.js'
import { mvtec, type Selection } from '../selection.js'
import { measure } from '../statistic.js'
import { methodNames, methods as all, type Method, type TrialData } from '../trial.js'
import { publishedOf } from './compare.js'
import { cell, footnotes } from './notes.js'
import { trialDocument, type Target } from './target.js'

/** Classes of MVTec AD that are there or asked for; without a folder of it, the built-in images. */
async function dataOf(selection: Selection, { resources }: Laboratory) {
  const { categories, trainImages: train, testImages: test } = selection
  const there = await resources.available('mvtec')
  if (there.length > 0) return (categories ?? there).map(mvtec)
  const kinds = await resources.available('synthetic')
  return (categories ?? kinds).map((category): TrialData =>
    kinds.includes(category) ? { set: 'synthetic', category, train, test } : mvtec(category),
  )
}

/** All methods side by side on the same images, features and protocols. */
export const methodsTable: Target = async (selection, laboratory) => {
  const { encoders = ['efficientnet-lite0'], inputSizes = [256], methods = all } = selection
  const cases = (await dataOf(selection, laboratory)).flatMap((data) =>
    encoders.flatMap((encoder) =>
      inputSizes.flatMap((inputSize) =>
        methods.map((method) => ({ method, encoder, inputSize, data })),
      ),
    ),
  )
  if (cases.length === 0) throw new CflowError('EMPTY', 'there are no images to compare methods on')
  return {
    cases,
    document(outcomeOf) {
      const notes = footnotes()
      const data = cases.map((one) => ({ ...one, ...outcomeOf(one) }))
      const lines = data.map((row) => {
        const mean = (value: (result: (typeof row.results)[number]) => number) =>
          numberText(row.results.reduce((n, r) => n + value(r), 0) / row.results.length)
        return [
          ...[row.data.category, row.encoder, String(row.inputSize)],
          cell(methodNames[row.method], notes.mark(row.missing)),
          ...(['strict', 'paper'] as const).flatMap((protocol) =>
            metrics.map((metric) => percentText(measure(row, metric, protocol))),
          ),
          publishedText(row.method, row.data.category),
          mean((r) => r.seconds.fit),
          mean((r) => r.millisecondsPerImage),
          mean((r) => r.bytes / 1e6),
        ]
      })
      const head = [
        ...['images', 'encoder', 'px', 'method'],
        ...['strict: image', 'pixel', 'AUPRO', 'paper: image', 'pixel', 'AUPRO'],
        ...['published (image / pixel / AUPRO)', 'fit, s', 'ms/image', 'MB'],
      ]
      return trialDocument(
        { title: 'Methods side by side', data },
        [
          'Image AUROC, pixel AUROC and AUPRO in percent. **strict**: last epoch, scores that depend on one image only, exact AUPRO. **paper**: the authors’ rules (scales normalised over the test set, AUPRO at 1,000 thresholds, for flows the best epoch on the test set by metric); of the other methods only AUPRO differs. **published**: the paper’s Table 3: WideResNet-50-2 at the class’s best input size. **fit**: reading, encoding, training and calibration. **ms/image**: one image through the detector, decoding not included. **MB**: the detector file; of SPADE, the encoder and its gallery in memory.',
          table(head, lines, 4),
        ],
        { selection, notes, results: data.flatMap((d) => d.results) },
      )
    },
  }
}

function publishedText(method: Method, category: string): string {
  if (!isCategory(category)) return dash
  if (method !== 'cflow' && method !== 'padim' && method !== 'spade') return dash
  const figures = table3Figures(category)[method]
  return metrics.map((m) => percentText(publishedOf(figures, m))).join(' / ')
}
