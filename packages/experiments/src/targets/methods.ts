import { CflowError } from '@cflow/base'
import type { Laboratory } from '../laboratory.js'
import { numberText, paragraphs, percentText, table } from '../markdown.js'
import { isCategory } from '../paper/categories.js'
import { table3Figures } from '../paper/table3.js'
import type { Case, Selection } from '../selection.js'
import { measure } from '../statistic.js'
import { methodNames, methods as all } from '../trial.js'
import type { Method, TrialData } from '../trial.js'
import { cell, footnotes } from './notes.js'
import { conditions } from './protocols.js'
import type { Target } from './target.js'

/** Classes of MVTec AD that are there or asked for; without a folder of it, the built-in images. */
async function dataOf(selection: Selection, { resources }: Laboratory) {
  const { categories, trainImages: train, testImages: test } = selection
  const there = await resources.available('mvtec')
  const kinds = await resources.available('synthetic')
  if (there.length > 0)
    return (categories ?? there).map((category): TrialData => ({ set: 'mvtec', category }))
  const wanted = categories ?? kinds
  return wanted.map((category): TrialData =>
    kinds.includes(category)
      ? { set: 'synthetic', category, train, test }
      : { set: 'mvtec', category },
  )
}

async function casesOf(selection: Selection, laboratory: Laboratory): Promise<readonly Case[]> {
  const { encoders = ['efficientnet-lite0'], inputSizes = [256], methods = all } = selection
  const cases: Case[] = []
  for (const data of await dataOf(selection, laboratory))
    for (const encoder of encoders)
      for (const inputSize of inputSizes)
        for (const method of methods) cases.push({ method, encoder, inputSize, data })
  if (cases.length === 0) throw new CflowError('EMPTY', 'there are no images to compare methods on')
  return cases
}

/** All methods side by side on the same images, features and protocols. */
export const methodsTable: Target = {
  name: 'methods',
  cases: casesOf,
  async document({ selection, laboratory, caseOf }) {
    const notes = footnotes()
    const rows = (await casesOf(selection, laboratory)).map((one) => ({ one, outcome: caseOf(one) })) // prettier-ignore
    const results = rows.flatMap((r) => r.outcome.results)
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
    const lines = rows.map(({ one, outcome }) => {
      const text = (metric: 'image' | 'pixel' | 'aupro', protocol: 'paper' | 'strict') =>
        percentText(measure(outcome, metric, protocol))
      const own = outcome.results
      return [
        ...[one.data.category, one.encoder, String(one.inputSize)],
        cell(methodNames[one.method], notes.mark(outcome.reasons)),
        ...(['strict', 'paper'] as const).flatMap((protocol) =>
          (['image', 'pixel', 'aupro'] as const).map((metric) => text(metric, protocol)),
        ),
        publishedText(one.method, one.data.category),
        numberText(mean(own.map((r) => r.seconds.fit))),
        numberText(mean(own.map((r) => r.millisecondsPerImage))),
        numberText(mean(own.map((r) => r.bytes / 1e6))),
      ]
    })
    const head = [
      ...['images', 'encoder', 'px', 'method'],
      ...['strict: image', 'pixel', 'AUPRO', 'paper: image', 'pixel', 'AUPRO'],
      ...['published (image / pixel / AUPRO)', 'fit, s', 'ms/image', 'MB'],
    ]
    return {
      title: 'Methods side by side',
      body: paragraphs(
        'Image AUROC, pixel AUROC and AUPRO in percent. **strict**: last epoch, scores that depend on one image only, exact AUPRO. **paper**: the authors’ rules (scales normalised over the test set, AUPRO at 1,000 thresholds, for flows the best epoch on the test set by metric); of the other methods only AUPRO differs. **published**: the paper’s Table 3: WideResNet-50-2 at the class’s best input size. **fit**: reading, encoding, training and calibration. **ms/image**: one image through the detector, decoding not included. **MB**: the detector file; of SPADE, the encoder and its gallery in memory.',
        table(head, lines, 4),
        notes.text(),
        conditions(selection, results),
      ),
      data: rows.map(({ one, outcome }) => ({ ...one, results: outcome.results, missing: outcome.reasons })), // prettier-ignore
      filled: results.length > 0,
    }
  },
}

function publishedText(method: Method, category: string): string {
  if (!isCategory(category)) return '–'
  const { wideResnet50, spade, padim } = table3Figures(category)
  const [detection, pair] =
    method === 'cflow'
      ? [wideResnet50.detection, wideResnet50.localisation]
      : [undefined, method === 'spade' ? spade : method === 'padim' ? padim : undefined]
  if (!pair) return '–'
  const first = detection === undefined ? '–' : detection.toFixed(2)
  return [first, ...pair.map((v) => v.toFixed(2))].join(' / ')
}
